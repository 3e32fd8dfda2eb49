//! `apikey count`

use crate::fixture::{Folder, prefix};

#[test]
fn prints_a_plain_number_in_every_format() {
    let folder = Folder::new();
    folder.create(&["report-a"]);
    let key = folder.create(&["report-b"]);
    folder.create(&["other"]);
    folder.run(&["revoke", prefix(&key)]).done();
    for format in ["table", "json", "plain"] {
        assert_eq!(folder.run(&["count", "--output", format]).done().stdout, "3\n");
    }
    for (arguments, number) in [
        (&["count", "--status", "active"][..], "2\n"),
        (&["count", "--status", "revoked"], "1\n"),
        (&["count", "--search", "report-"], "2\n"),
        (&["count", "--search", "report-", "--status", "active"], "1\n"),
        (&["count", "--search", "nothing"], "0\n"),
    ] {
        assert_eq!(folder.run(arguments).done().stdout, number, "{arguments:?}");
    }
}
