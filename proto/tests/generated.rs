//! Proves that the committed code and descriptor set are what the `.proto` files give, without a protoc binary.
//!
//! With `UPDATE_GENERATED=1` in the environment (`make proto`) it writes them instead.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, and the switch that makes it a generator")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;

fn crate_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn proto_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            proto_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "proto") {
            found.push(path);
        }
    }
}

fn generate(out: &Path) {
    let mut files = Vec::new();
    proto_files(&crate_dir().join("mud"), &mut files);
    files.sort();
    let set = protox::Compiler::new([crate_dir()])
        .unwrap()
        .include_source_info(true)
        .include_imports(true)
        .open_files(&files)
        .unwrap()
        .file_descriptor_set();
    tonic_prost_build::configure().out_dir(out).compile_fds(set.clone()).unwrap();
    fs::write(out.join("methods.rs"), methods(&set.file)).unwrap();
    let mut bare = set;
    for file in &mut bare.file {
        file.source_code_info = None;
    }
    fs::write(out.join("descriptors.bin"), bare.encode_to_vec()).unwrap();
}

/// The table of methods without streams, as a Rust expression.
fn methods(files: &[prost_types::FileDescriptorProto]) -> String {
    let mut table = String::from("&[\n");
    for (file, service) in files.iter().flat_map(|file| file.service.iter().map(move |service| (file, service))) {
        for method in service.method.iter().filter(|method| !method.client_streaming() && !method.server_streaming()) {
            let level = method.options.as_ref().and_then(|options| options.idempotency_level).unwrap_or_default();
            let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
            table.push_str(&format!("    ({path:?}, {}),\n", level != 0));
        }
    }
    table + "]\n"
}

fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn generated_code_is_fresh() {
    let committed = crate_dir().join("src/generated");
    if std::env::var("UPDATE_GENERATED").is_ok() {
        fs::create_dir_all(&committed).unwrap();
        generate(&committed);
    }
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    let (fresh, committed) = (contents(fresh.path()), contents(&committed));
    assert_eq!(fresh.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>(), "run `make proto`");
    for (name, bytes) in fresh {
        assert!(committed[&name] == bytes, "{name} is stale: run `make proto`");
    }
}
