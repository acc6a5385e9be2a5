//! `koodtx-server health`, which health checks of containers run.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread;

use crate::support::{SERVER, Server, free_address, printed, run};

fn health(listen: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(SERVER);
    command
        .env_clear()
        .env("KOODTX_LISTEN", listen)
        .current_dir(folder.path())
        .arg("health")
        .args(arguments);
    run(&mut command, "nothing")
}

#[test]
fn a_server_that_works_is_healthy() {
    let server = Server::start(&[]);
    let url = format!("http://{}", server.address);
    let everywhere = format!("0.0.0.0:{}", server.address.port());
    for output in [
        health("127.0.0.1:1", &["--url", &url]),
        health(&server.address.to_string(), &[]),
        health(&everywhere, &[]),
    ] {
        let text = printed(&output);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("\"healthy\""), "{text}");
    }
}

#[test]
fn what_does_not_answer_is_not_healthy() {
    let output = health(&free_address().to_string(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
}

#[test]
fn a_server_without_its_store_is_not_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let answering = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody asks");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a whole request");
            request.push(byte[0]);
        }
        let answer = b"HTTP/1.1 503 Service Unavailable\r\n\r\n{\"status\":\"unhealthy\"}";
        stream.write_all(answer).expect("it is read");
        String::from_utf8(request).expect("text")
    });
    let output = health(&address, &[]);
    let request = answering.join().expect("the request is as it should be");
    assert!(request.starts_with("GET /health HTTP/1."), "{request}");
    assert_eq!(output.status.code(), Some(1));
    let text = printed(&output);
    assert!(text.contains("503") && text.contains("unhealthy"), "{text}");
}
