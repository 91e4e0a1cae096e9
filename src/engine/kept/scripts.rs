//! The programs of the kept CDK, on the disk.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use workshop_base::private_dir::{OURS, PrivateDir};

/// By name, with what stands in it. `npx` is found by its name, and started.
const SCRIPTS: [(&str, &str); 4] = [
    (HOST, include_str!("host.cjs")),
    ("app.cjs", include_str!("app.cjs")),
    ("client.cjs", include_str!("client.cjs")),
    ("npx", include_str!("npx.sh")),
];
const HOST: &str = "host.cjs";

/// Writes the programs into the working directory's own part. Returns their directory and the one that is the host's.
///
/// # Errors
/// When something else is in their place, and those of the disk.
pub fn lay_out(workdir: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let dir = PrivateDir::open(workdir, OURS)?.below("cdk")?;
    for (name, text) in SCRIPTS {
        let mut file = dir.create(name)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(Permissions::from_mode(0o700))?;
    }
    Ok((dir.path().to_owned(), dir.path().join(HOST)))
}
