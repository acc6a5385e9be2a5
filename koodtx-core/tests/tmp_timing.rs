//! x
use std::sync::Arc;
use koodtx_core::conformance::*;
use koodtx_core::memory::MemoryStore;
#[test]
fn timing() {
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    rt.block_on(async {
        let mut v = vec![];
        for c in checks() {
            if c.part == Part::Persistence { continue; }
            let t = std::time::Instant::now();
            let r = c.run(Harness::new(Arc::new(MemoryStore::new()))).await;
            if let Err(e) = r { println!("{e}"); }
            v.push((t.elapsed(), c.name));
        }
        v.sort();
        println!("total {:?}", v.iter().map(|x| x.0).sum::<std::time::Duration>());
        for x in v.iter().rev().take(20) { println!("{x:?}"); }
    });
}
