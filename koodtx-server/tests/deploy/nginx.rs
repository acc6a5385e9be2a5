//! nginx with the shipped site.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Server, eventually, free_address, printed, program, run, shipped, signal};

const PACKAGE: &str = "nginx";
const NAME: &str = "sync.example.com";
/// More than nginx lets through unless it is told to.
const SAMPLES_COUNT: usize = 40_000;

/// The shipped site with other addresses and a certificate of its own, in a temporary folder.
struct Site {
    folder: TempDir,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Site {
    fn new(server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Its workers run as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let site = Self {
            folder,
            plain: free_address(),
            tls: free_address(),
        };
        let mut openssl = program("openssl");
        openssl
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=test", "-addext"])
            .arg(format!("subjectAltName=DNS:{NAME}"))
            .args(["-keyout", &site.path("key"), "-out", &site.path("pem")]);
        let output = run(&mut openssl, "openssl");
        assert!(output.status.success(), "{}", printed(&output));
        let mut text = shipped("nginx.conf");
        for (shipped, own) in [
            ("    listen [::]:80;\n", String::new()),
            ("    listen [::]:443 ssl http2;\n", String::new()),
            ("listen 80;", format!("listen {};", site.plain)),
            ("listen 443 ssl", format!("listen {} ssl", site.tls)),
            ("/etc/ssl/certs/koodtx.pem", site.path("pem")),
            ("/etc/ssl/private/koodtx.key", site.path("key")),
            ("http://127.0.0.1:5000", format!("http://{server}")),
        ] {
            assert!(text.contains(shipped), "nginx.conf has no `{shipped}`");
            text = text.replace(shipped, &own);
        }
        fs::write(site.path("site"), text).expect("a file");
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", site.path(kind)))
            .concat();
        let main = format!(
            "daemon off;\npid {};\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}include {};\n}}\n",
            site.path("pid"),
            site.path("site")
        );
        fs::write(site.path("main"), main).expect("a file");
        site
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn nginx(&self) -> Command {
        let mut command = program("nginx");
        command.args(["-e", "stderr", "-c", &self.path("main")]);
        command
    }

    /// A request by HTTPS: status and body.
    fn curl(&self, path: &str, arguments: &[&str]) -> (String, String) {
        let port = self.tls.port();
        let mut command = program("curl");
        command
            .args(["--silent", "--show-error", "--max-time", "60"])
            .args(["--cacert", &self.path("pem"), "--resolve"])
            .arg(format!("{NAME}:{port}:127.0.0.1"))
            .args(["--header", "Content-Type: application/json"])
            .args(["--write-out", "\n%{http_code}"])
            .args(arguments)
            .arg(format!("https://{NAME}:{port}{path}"));
        let text = printed(&run(&mut command, "curl"));
        let (body, status) = text.rsplit_once('\n').unwrap_or_default();
        (status.to_owned(), body.to_owned())
    }
}

/// A running nginx; ended when dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            // Not SIGKILL, which would leave its workers behind.
            signal("-TERM", self.0.id());
        }
        let _ = self.0.wait();
    }
}

#[test]
fn nginx_finds_nothing_wrong() {
    let site = Site::new(free_address());
    let output = run(site.nginx().arg("-t"), PACKAGE);
    let text = printed(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("[warn]"), "{text}");
}

#[test]
fn requests_go_through() {
    let server = Server::start(&[("KOODTX_BEHIND_PROXY", "true"), ("KOODTX_RATE_LIMIT", "3")]);
    let site = Site::new(server.address);
    let nginx = site.nginx().spawn();
    let _nginx = Nginx(nginx.expect("this test needs `nginx` (apt-get install nginx)"));
    eventually("an answer through nginx", || {
        let (status, body) = site.curl("/health", &[]);
        (status == "200" && body.contains("\"healthy\"")).then_some(())
    });

    // Plain HTTP is sent to HTTPS.
    let plain = format!("http://{}/health", site.plain);
    let mut command = program("curl");
    command.args(["--silent", "--write-out", "%{http_code} %{redirect_url}"]);
    let output = run(command.args(["--output", "/dev/null", &plain]), "curl");
    assert!(printed(&output).starts_with("301 https://"), "{output:?}");

    let ann = json!({
        "username": "ann", "email": "ann@example.com", "password": "correct horse battery",
        "device_id": "phone",
    });
    let (status, body) = site.curl("/api/auth/register", &["--data", &ann.to_string()]);
    assert!(status.starts_with("20"), "{status} {body}");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    let token = answer["access_token"].as_str().expect("a token");
    let authorization = format!("Authorization: Bearer {token}");

    // A push and a pull that nginx would neither take nor keep in memory as it comes.
    let samples: Vec<_> = (0..SAMPLES_COUNT)
        .map(|time| json!({ "sensor_type": "acc", "timestamp": time, "data": { "x": time } }))
        .collect();
    let session = json!({
        "session_id": "0f81a4f3-c125-5dbf-ba8e-668c0884d7ac", "start_time": "2025-11-13T00:00:00Z",
    });
    let push = json!({ "session": session, "sensor_data": samples }).to_string();
    assert!(push.len() > 2 * 1024 * 1024);
    fs::write(site.path("push"), push).expect("a file");
    let data = format!("@{}", site.path("push"));
    let with_token = ["--header", &authorization, "--data-binary"];
    let (status, body) = site.curl("/api/sync/push", &[&with_token[..], &[&data]].concat());
    assert_eq!(status, "200", "{body}");
    let (status, body) = site.curl("/api/sync/pull", &[&with_token[..], &["{}"]].concat());
    assert_eq!(status, "200");
    assert_eq!(body.matches("\"acc\"").count(), SAMPLES_COUNT);

    // Who claims another address each time is still one client.
    let statuses: Vec<_> = (0..8)
        .map(|number| {
            let login =
                json!({ "username": format!("user{number}"), "password": "wrong password" });
            let claim = format!("X-Forwarded-For: 192.0.2.{number}");
            let arguments = ["--header", &claim, "--data", &login.to_string()];
            site.curl("/api/auth/login", &arguments).0
        })
        .collect();
    assert!(statuses.contains(&"429".to_owned()), "{statuses:?}");
}
