//! The write-ahead log: what was written since the last checkpoint, in a file of fixed size.
//!
//! A batch is appended here, and synced unless nobody waits for it, before the database sees it. The
//! database is flushed at checkpoints only; what it did not have on disk by a crash is applied again
//! from here. Operations say what lies at a key afterwards, not how it changes, so it does no harm to
//! apply all frames once more, in order, to a database that had some of them.
//!
//! The file begins with two slots, of which the one with the higher generation counts. Frames of that
//! generation follow each other from [`FRAMES_AT`] on. A checkpoint begins the next generation in the
//! other slot, which makes all frames void at once; only then are they overwritten. A generation has a
//! random salt, so that no frame of another one counts, and nobody who chooses what is stored can write
//! bytes that would count as a frame.

mod frame;
#[cfg(all(test, unix))]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

pub(crate) use frame::{Frame, Operation};
use frame::{FrameHeader, HEADER_BYTES};

use crate::error::{Failure, Result};

/// Length of the file.
pub(crate) const WAL_BYTES: u64 = 8 * 1024 * 1024;
/// A slot has a disk block of its own, so that writing one never touches the other.
const SLOT_BYTES: u64 = 4096;
const SLOTS_COUNT: u64 = 2;
/// Where the frames begin.
const FRAMES_AT: u64 = SLOTS_COUNT * SLOT_BYTES;
/// What a slot begins with, and the version of the layout.
const MAGIC: [u8; 8] = *b"KDTXWAL1";
/// Magic, number and salt of the generation, checksum.
const SLOT_USED_BYTES: usize = 8 + 8 + 8 + 4;

/// What frames have to be of to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Generation {
    /// One more than that of the generation before.
    number: u64,
    salt: u64,
}

impl Generation {
    fn after(number: u64) -> Self {
        Self {
            number: number + 1,
            salt: uuid::Uuid::new_v4().as_u64_pair().1,
        }
    }
}

/// The open log.
pub(crate) struct Wal {
    file: File,
    generation: Generation,
    /// Where the next frame goes. The file's cursor stands there.
    end: u64,
}

impl Wal {
    /// Creates an empty log, on disk when this returns (but for its name in the folder).
    pub(crate) fn create(path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        reserve(&file)?;
        write_slot(&mut file, Generation::after(0))?;
        file.sync_all()
    }

    /// Opens the log and hands its whole frames to `apply`, the oldest first. Where they end nothing
    /// more was acknowledged: what follows is void, or was cut short.
    ///
    /// Nothing fits before the log is cleared. Behind a frame that was cut short there may be whole ones,
    /// which would count again if another took its place in the same generation.
    pub(crate) fn open(path: &Path, mut apply: impl FnMut(&Frame) -> Result<()>) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Failure::corrupt(format!(
                    "{} is missing, and with it perhaps the latest pushes: restore the whole \
                     folder, or a backup",
                    path.display()
                )),
                _ => Failure::Io(error),
            })?;
        let damaged = || {
            Failure::corrupt(format!(
                "{} is damaged, and with it perhaps the latest pushes: restore the whole folder, or \
                 a backup",
                path.display()
            ))
        };
        if file.metadata()?.len() != WAL_BYTES {
            return Err(damaged());
        }
        let generation = generation(&mut file)?.ok_or_else(damaged)?;
        if first_generation(&mut file)?.is_some_and(|first| first.number > generation.number) {
            // The slot of the newer one cannot be read.
            return Err(damaged());
        }
        file.seek(SeekFrom::Start(FRAMES_AT))?;
        let mut room_bytes = WAL_BYTES - FRAMES_AT;
        let mut reader = io::BufReader::new(&file);
        while let Some(frame) = next_frame(&mut reader, generation, room_bytes)? {
            apply(&frame)?;
            room_bytes -= frame.len();
        }
        Ok(Self {
            file,
            generation,
            end: WAL_BYTES,
        })
    }

    /// Another handle of the file, for syncing it while frames are appended.
    pub(crate) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Whether there is no frame in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == FRAMES_AT
    }

    /// Whether a frame can be appended when the log is empty.
    pub(crate) fn could_hold(frame: &Frame) -> bool {
        frame.len() <= WAL_BYTES - FRAMES_AT
    }

    /// Whether a frame can be appended now.
    pub(crate) fn fits(&self, frame: &Frame) -> bool {
        frame.len() <= WAL_BYTES - self.end
    }

    /// Appends a frame that [`fits`](Self::fits), given its checksum. It is on disk after the next
    /// sync of the file.
    pub(crate) fn append(&mut self, frame: &mut Frame, checksum: u32) -> io::Result<()> {
        self.file
            .write_all(frame.sealed(self.generation, checksum))?;
        self.end += frame.len();
        Ok(())
    }

    /// Forgets all frames, which have to be in the database, and there on disk. On disk when this
    /// returns.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let next = Generation::after(self.generation.number);
        write_slot(&mut self.file, next)?;
        self.file.sync_data()?;
        self.generation = next;
        self.end = FRAMES_AT;
        self.file.seek(SeekFrom::Start(FRAMES_AT))?;
        Ok(())
    }
}

/// The frame at the reader, if there is a whole one of that generation.
fn next_frame(
    reader: &mut impl Read,
    generation: Generation,
    room_bytes: u64,
) -> io::Result<Option<Frame>> {
    let mut bytes = vec![0; HEADER_BYTES];
    if !read_whole(reader, &mut bytes)? {
        return Ok(None);
    }
    let header = FrameHeader::decode(&bytes).filter(|header| {
        header.generation == generation
            && HEADER_BYTES as u64 + u64::from(header.length) <= room_bytes
    });
    let Some(header) = header else {
        return Ok(None);
    };
    bytes.resize(HEADER_BYTES + header.length as usize, 0);
    let operations = &mut bytes[HEADER_BYTES..];
    let is_whole =
        read_whole(reader, operations)? && crc32fast::hash(operations) == header.checksum;
    Ok(is_whole.then(|| Frame::read(bytes)))
}

/// Fills the buffer; false where the file ends before.
fn read_whole(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The generation of the frame at the beginning, if there is the head of one.
fn first_generation(file: &mut File) -> io::Result<Option<Generation>> {
    let mut bytes = [0; HEADER_BYTES];
    file.seek(SeekFrom::Start(FRAMES_AT))?;
    Ok(read_whole(file, &mut bytes)?
        .then(|| FrameHeader::decode(&bytes))
        .flatten()
        .map(|header| header.generation))
}

/// The generation that counts; `None` where no slot is whole.
fn generation(file: &mut File) -> io::Result<Option<Generation>> {
    let mut newest: Option<Generation> = None;
    for slot in 0..SLOTS_COUNT {
        let mut bytes = [0; SLOT_USED_BYTES];
        file.seek(SeekFrom::Start(slot * SLOT_BYTES))?;
        if !read_whole(file, &mut bytes)? {
            continue;
        }
        let word = |at: usize| bytes[at..].first_chunk().copied().map(u64::from_le_bytes);
        if let (Some(number), Some(salt)) = (word(8), word(16)) {
            let found = Generation { number, salt };
            if bytes == slot_of(found) && newest.is_none_or(|newest| newest.number < number) {
                newest = Some(found);
            }
        }
    }
    Ok(newest)
}

/// Writes a generation into its slot, and leaves that of the generation before alone.
fn write_slot(file: &mut File, generation: Generation) -> io::Result<()> {
    let slot = generation.number % SLOTS_COUNT;
    file.seek(SeekFrom::Start(slot * SLOT_BYTES))?;
    file.write_all(&slot_of(generation))
}

fn slot_of(generation: Generation) -> [u8; SLOT_USED_BYTES] {
    let mut bytes = [0; SLOT_USED_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&generation.number.to_le_bytes());
    bytes[16..24].copy_from_slice(&generation.salt.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..24]);
    bytes[24..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Takes the disk space of the whole file, so that no append meets a full disk. (Where a file system
/// writes elsewhere what is written again, such as btrfs, it may all the same.)
#[cfg(any(target_os = "linux", target_os = "android"))]
fn reserve(file: &File) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::{Errno, retry_on_intr};

    match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, WAL_BYTES)) {
        // Some file systems cannot, such as NFS before 4.2 and ZFS.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.set_len(WAL_BYTES),
        taken => Ok(taken?),
    }
}

/// Other systems have no way to take it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reserve(file: &File) -> io::Result<()> {
    file.set_len(WAL_BYTES)
}
