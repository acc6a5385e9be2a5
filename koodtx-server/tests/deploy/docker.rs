//! What can be said of the container files without a container.

use crate::support::shipped;

#[test]
fn the_image_is_built_by_the_toolchain_that_the_workspace_asks_for() {
    let manifest = include_str!("../../../Cargo.toml");
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .and_then(|rest| rest.strip_suffix('"'))
        .expect("the workspace has a rust-version");
    let expected = format!("FROM rust:{version}-bookworm AS build\n");
    assert!(shipped("Dockerfile").contains(&expected), "{expected}");
}

#[test]
fn no_port_but_that_of_the_server_is_published() {
    let compose = shipped("compose.yaml");
    let ports: Vec<_> = compose
        .lines()
        .filter(|line| line.trim_start().starts_with("ports:"))
        .collect();
    assert_eq!(ports, ["    ports: [\"127.0.0.1:5000:5000\"]"]);
}
