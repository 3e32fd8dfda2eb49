//! The copies of the test vectors that crates carry are those that the whole project shares.
//!
//! The crates carry copies so that a published crate can run its tests. The originals lie beside the
//! repository, where there are any.

use std::{fs, path::Path};

use apikey_conformance::report_skip;

const COPIES: [(&str, &str); 2] = [
    ("keys.json", "crates/apikey-core/tests/vectors/keys.json"),
    ("requests.json", "crates/apikey-conformance/vectors/requests.json"),
];

#[test]
fn copies_of_vectors_equal_the_originals() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let originals = root.join("../shared/vectors");
    if !originals.is_dir() {
        let reason = "there is no ../shared/vectors beside the repository";
        return report_skip("vectors::copies_of_vectors_equal_the_originals", reason);
    }
    for (name, copy) in COPIES {
        let original = fs::read_to_string(originals.join(name)).unwrap();
        let copy_text = fs::read_to_string(root.join(copy)).unwrap();
        assert!(copy_text == original, "{copy} differs from shared/vectors/{name}: copy it anew");
    }
}
