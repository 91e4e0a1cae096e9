//! A command line as it is written, and the word `all`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalars::ShellTemplate;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AllYaml {
    All,
}

/// A command line, or one for each operating system that needs its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CommandYaml {
    Same(ShellTemplate),
    ByOs(CommandByOsYaml),
}

/// A command line by operating system: `default` where none of its own is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a command by operating system")]
pub struct CommandByOsYaml {
    pub default: ShellTemplate,
    #[serde(default)]
    pub linux: Option<ShellTemplate>,
    #[serde(default)]
    pub macos: Option<ShellTemplate>,
    #[serde(default)]
    pub windows: Option<ShellTemplate>,
}

impl CommandYaml {
    /// Returns all command lines, each with its key where it has one.
    pub fn lines(&self) -> Vec<(Option<&'static str>, &ShellTemplate)> {
        match self {
            CommandYaml::Same(run) => vec![(None, run)],
            CommandYaml::ByOs(by_os) => {
                let own = [("linux", &by_os.linux), ("macos", &by_os.macos), ("windows", &by_os.windows)];
                let own = own.into_iter().filter_map(|(os, run)| Some((Some(os), run.as_ref()?)));
                std::iter::once((Some("default"), &by_os.default)).chain(own).collect()
            }
        }
    }

    /// Returns the command line of an operating system, as the standard library names it.
    pub fn on(&self, os: &str) -> &ShellTemplate {
        match self {
            CommandYaml::Same(run) => run,
            CommandYaml::ByOs(by_os) => {
                let own = match os {
                    "linux" => &by_os.linux,
                    "macos" => &by_os.macos,
                    "windows" => &by_os.windows,
                    _ => &None,
                };
                own.as_ref().unwrap_or(&by_os.default)
            }
        }
    }
}
