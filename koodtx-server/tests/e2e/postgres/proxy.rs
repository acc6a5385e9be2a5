//! A proxy between server and database that knows where a transaction commits, and cuts the line there.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A simple query, in the protocol between PostgreSQL and its clients.
const QUERY: u8 = b'Q';
/// Names a statement and says what it does.
const PARSE: u8 = b'P';
/// Gives a named statement its parameters.
const BIND: u8 = b'B';
/// Ends what was bound, and commits it where no transaction was begun.
const SYNC: u8 = b'S';
/// What all statements hold by which a push without a transaction is written and logged, and no others.
const PARTS_OF_WRITING: [&str; 2] = ["INSERT INTO sync_logs", "xmin = $"];
/// The length of a message counts itself, but not the letter before it.
const LENGTH_BYTES: usize = 4;
/// Far more than the tests send at once; a length beyond it was misread.
const MESSAGE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Where to cut the connection that commits next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// Nowhere.
    Never,
    /// The database never hears that it is to commit.
    BeforeCommit,
    /// The database has committed, and the server never hears of it.
    AfterCommit,
}

/// A proxy on a port of the loopback address; ends when it is dropped.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    cut: AtomicU8,
    cuts_count: AtomicUsize,
}

impl Proxy {
    /// Begins to forward to a database.
    pub async fn start(database_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let database = SocketAddr::from(([127, 0, 0, 1], database_port));
        let accepting = tokio::spawn(accept(listener, database, state.clone()));
        Self {
            port,
            state,
            accepting,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the connection that commits next, and no other.
    pub fn cut_once(&self, cut: Cut) {
        self.state.cut.store(cut as u8, Ordering::SeqCst);
    }

    /// How many connections were cut so far.
    pub fn cuts_count(&self) -> usize {
        self.state.cuts_count.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    /// The cut that is due, which is due no more.
    fn take(&self) -> Cut {
        let due = self.cut.swap(Cut::Never as u8, Ordering::SeqCst);
        let cuts = [Cut::BeforeCommit, Cut::AfterCommit];
        let cut = cuts.into_iter().find(|cut| *cut as u8 == due);
        if cut.is_some() {
            self.cuts_count.fetch_add(1, Ordering::SeqCst);
        }
        cut.unwrap_or(Cut::Never)
    }
}

async fn accept(listener: TcpListener, database: SocketAddr, state: Arc<State>) {
    // Each connection ends with its server or with the database.
    while let Ok((server, _)) = listener.accept().await {
        let state = state.clone();
        tokio::spawn(async move {
            let Ok(database) = TcpStream::connect(database).await else {
                return;
            };
            // Either side may go away at any time.
            let _ = forward(server, database, &state).await;
        });
    }
}

/// Forwards both ways until one side ends or the line is cut. Both connections end then.
async fn forward(server: TcpStream, database: TcpStream, state: &State) -> io::Result<()> {
    server.set_nodelay(true)?;
    database.set_nodelay(true)?;
    let (mut from_server, mut to_server) = server.into_split();
    let (mut from_database, mut to_database) = database.into_split();
    let cut = tokio::select! {
        cut = forward_messages(&mut from_server, &mut to_database, state) => cut?,
        copied = tokio::io::copy(&mut from_database, &mut to_server) => {
            copied?;
            Cut::Never
        }
    };
    if cut == Cut::AfterCommit {
        // It answers when it has committed.
        let mut answer = [0];
        from_database.read_exact(&mut answer).await?;
    }
    Ok(())
}

/// Knows where what the server sends commits.
#[derive(Default)]
struct Commits {
    /// Names of the statements that write without a transaction.
    writing: HashSet<Vec<u8>>,
    /// Whether one of them was bound.
    bound: bool,
}

impl Commits {
    /// Whether something commits with this message.
    fn are_at(&mut self, letter: u8, body: &[u8]) -> bool {
        let mut parts = body[LENGTH_BYTES..].split(|&byte| byte == 0);
        let (first, second) = (parts.next(), parts.next().unwrap_or_default());
        match letter {
            QUERY => return first.is_some_and(|text| text.starts_with(b"COMMIT")),
            PARSE => {
                let text = String::from_utf8_lossy(second);
                if PARTS_OF_WRITING.iter().all(|part| text.contains(part)) {
                    self.writing.extend(first.map(<[u8]>::to_vec));
                }
            }
            BIND => self.bound |= self.writing.contains(second),
            SYNC => return std::mem::take(&mut self.bound),
            _ => {}
        }
        false
    }
}

/// Forwards what the server sends, up to a commit that is to be cut.
async fn forward_messages(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    state: &State,
) -> io::Result<Cut> {
    // The first message has no letter.
    let opening = read_body(from).await?;
    to.write_all(&opening).await?;
    let mut commits = Commits::default();
    loop {
        let letter = from.read_u8().await?;
        let body = read_body(from).await?;
        let cut = if commits.are_at(letter, &body) {
            state.take()
        } else {
            Cut::Never
        };
        if cut == Cut::BeforeCommit {
            return Ok(cut);
        }
        to.write_all(&[&[letter], &body[..]].concat()).await?;
        if cut == Cut::AfterCommit {
            return Ok(cut);
        }
    }
}

/// A message without its letter: the length, and what follows.
async fn read_body(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let bytes = length as usize;
    assert!(
        (LENGTH_BYTES..MESSAGE_MAX_BYTES).contains(&bytes),
        "no message is {bytes} bytes long"
    );
    let mut body = length.to_be_bytes().to_vec();
    body.resize(bytes, 0);
    from.read_exact(&mut body[LENGTH_BYTES..]).await?;
    Ok(body)
}
