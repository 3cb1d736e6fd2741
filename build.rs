//! Lets the plain binary find libtorch: torch-sys hands its own rpath to its compilation only.
//!
//! Searched in this order: beside an installed binary (`../lib/varpix`), the checkout's `libtorch/lib` seen from
//! `target/<profile>` and `target/<profile>/deps`, and that folder's absolute path for other target folders.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    let checkout = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let rpath = format!(
        "$ORIGIN/../lib/varpix:$ORIGIN/../../libtorch/lib:$ORIGIN/../../../libtorch/lib:{checkout}/libtorch/lib"
    );
    // DT_RPATH, not DT_RUNPATH: it also serves the libraries that libtorch_cpu.so loads in turn.
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{rpath}");
}
