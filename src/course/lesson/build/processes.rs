//! Long-running processes, and checks over HTTP.

use super::builder::Builder;
use super::convert::{directory, pattern};
use crate::lesson::format::*;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use workshop_base::problem::Problem;

impl Builder<'_> {
    /// Builds what starts a process.
    pub(super) fn serve(&mut self, lens: Lens<'_>, raw: &ServeYaml) -> ServeAction {
        let ready = raw.ready.as_ref().and_then(|ready| {
            let lens = lens.key("ready");
            if let Some(output) = &ready.output {
                Some(ReadyWhen::Output(output.0.clone()))
            } else if let Some(port) = ready.port {
                u16::try_from(port).ok().map(ReadyWhen::Port)
            } else {
                ready.http.as_ref().map(|url| ReadyWhen::Http(self.template(lens.key("http"), &url.0)))
            }
        });
        ServeAction {
            name: raw.name.0.clone(),
            run: self.command(lens.key("run"), &raw.run),
            cwd: directory(raw.cwd.as_ref()),
            ready,
            capture: self.captures(lens.key("capture"), raw.capture.iter().map(|(name, source)| (name, &source.0))),
        }
    }

    /// Returns the names of the processes to stop; none: all.
    pub(super) fn stop(&mut self, lens: Lens<'_>, raw: &StopYaml) -> Vec<String> {
        match raw {
            StopYaml::All(AllYaml::All) => Vec::new(),
            StopYaml::Names(names) => {
                if names.is_empty() {
                    let problem = Problem::course("`stop` is empty");
                    lens.report(self.problems, problem.expected("`all`, or names of processes"));
                }
                names.iter().map(|name| name.0.clone()).collect()
            }
        }
    }

    /// Builds a request over HTTP and what it must come to.
    pub(super) fn http(&mut self, lens: Lens<'_>, raw: &HttpCheckYaml) -> HttpCheck {
        if raw.json.is_some() && raw.body.is_some() {
            let problem = Problem::course("`json` and `body` cannot both be sent").hint("keep one of the two");
            lens.key("body").report(self.problems, problem);
        }
        let body = match (&raw.json, &raw.body) {
            (Some(json), _) => Some(HttpBody::Json(self.template(lens.key("json"), &json.0))),
            (None, Some(body)) => Some(HttpBody::Text(self.template(lens.key("body"), &body.0))),
            (None, None) => None,
        };
        let usual = if body.is_some() { HttpMethodYaml::Post } else { HttpMethodYaml::Get };
        let method = raw.method.unwrap_or(usual);
        if body.is_some() && matches!(method, HttpMethodYaml::Get | HttpMethodYaml::Head) {
            let problem = Problem::course("a request of this method sends nothing");
            lens.key("method").report(self.problems, problem.expected("`POST`, `PUT`, `PATCH` or `DELETE`"));
        }
        let of_text = [("matches", raw.matches.is_some()), ("expect", !raw.expect.is_empty())];
        for (key, _) in of_text.into_iter().filter(|(_, given)| *given && matches!(method, HttpMethodYaml::Head)) {
            lens.key(key).report(self.problems, no_text_in_head());
        }
        let sent = lens.key("headers");
        for (lens, name) in raw
            .headers
            .keys()
            .map(|name| (sent, name))
            .chain(raw.answer_headers.keys().map(|name| (lens.key("answer_headers"), name)))
        {
            if !is_header(name) {
                let problem = Problem::course(format_args!("`{name}` is not the name of a header"));
                lens.key(name).report(self.problems, problem.expected("a name such as `content-type`"));
            }
        }
        for (name, value) in &raw.headers {
            if value.0.contains(|c: char| c.is_control() && c != '\t') {
                let problem = Problem::course(format_args!("the header `{name}` holds a line break"));
                sent.key(name).report(self.problems, problem.hint("a header is one line: leave the break away"));
            }
        }
        let headers = raw.headers.iter().map(|(name, value)| (name.clone(), self.template(sent.key(name), &value.0)));
        let headers = headers.collect();
        let asserted = raw.expect.iter().enumerate();
        let expect = asserted.filter_map(|(i, one)| self.assertion(lens.key("expect").item(i), one)).collect();
        HttpCheck {
            method: method.word().to_owned(),
            url: self.template(lens.key("url"), &raw.url.0),
            headers,
            body,
            status: raw.status.and_then(|status| u16::try_from(status).ok()),
            answer_headers: raw.answer_headers.iter().map(|(name, p)| (name.to_lowercase(), p.0.clone())).collect(),
            matches: pattern(raw.matches.as_ref()),
            expect,
        }
    }
}

impl HttpMethodYaml {
    fn word(self) -> &'static str {
        match self {
            HttpMethodYaml::Get => "GET",
            HttpMethodYaml::Head => "HEAD",
            HttpMethodYaml::Post => "POST",
            HttpMethodYaml::Put => "PUT",
            HttpMethodYaml::Patch => "PATCH",
            HttpMethodYaml::Delete => "DELETE",
            HttpMethodYaml::Options => "OPTIONS",
        }
    }
}

/// Says why nothing can be looked for in such an answer (RFC 9110, "HEAD").
pub(super) fn no_text_in_head() -> Problem {
    Problem::course("an answer to `HEAD` has no text").hint("use `GET`, or look at `answer_headers`")
}

/// RFC 9110, "Tokens".
fn is_header(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}
