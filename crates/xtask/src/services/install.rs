//! Installing missing programs: on Debian and Ubuntu, as root.

use std::{
    fs,
    process::{Command, Stdio},
};

use super::server::is_root;

/// Installs packages where that is possible, and says so. Whether it worked shows when the program starts.
pub(crate) fn packages(names: &[&str]) {
    if names.is_empty() || !is_root() || !is_debian() {
        return;
    }
    eprintln!("installing with apt-get: {}", names.join(" "));
    for arguments in [&["update"][..], &["install", "--no-install-recommends", "--no-remove"]] {
        let mut apt = Command::new("apt-get");
        apt.args(["--yes", "--quiet"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        if arguments[0] == "install" {
            apt.args(names);
        }
        // Standard output is what the tests are told.
        let status = apt.stdin(Stdio::null()).stdout(Stdio::null()).status();
        if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
            eprintln!("apt-get {} failed: {status:?}", arguments[0]);
            return;
        }
    }
}

fn is_debian() -> bool {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    is_debian_release(&text)
}

fn is_debian_release(text: &str) -> bool {
    let value = |line: &str| {
        let (name, value) = line.split_once('=')?;
        ["ID", "ID_LIKE"].contains(&name).then(|| value.trim_matches('"').to_owned())
    };
    text.lines().filter_map(value).any(|ids| ids.split(' ').any(|id| id == "debian"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_debian_and_its_children() {
        assert!(is_debian_release("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(is_debian_release("ID=ubuntu\nID_LIKE=debian\n"));
        assert!(is_debian_release("ID=pop\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian_release("ID=fedora\nID_LIKE=\"rhel\"\nNAME=debian\n"));
        assert!(!is_debian_release(""));
    }
}
