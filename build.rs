//! Tells the program its commit and its libtorch, and lets the plain binary find that: torch-sys hands its own rpath to its compilation only.
//!
//! Searched in this order: beside an installed binary (`../lib/varpix`), the checkout's `libtorch/lib` seen from
//! `target/<profile>` and `target/<profile>/deps`, and that folder's absolute path for other target folders. `VARPIX_RPATH`
//! replaces all of them, for packages.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    commit();
    if std::env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    let checkout = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo:rerun-if-env-changed=VARPIX_RPATH");
    let rpath = std::env::var("VARPIX_RPATH").ok().filter(|rpath| !rpath.is_empty()).unwrap_or_else(|| {
        format!(
            "$ORIGIN/../lib/varpix:$ORIGIN/../../libtorch/lib:$ORIGIN/../../../libtorch/lib:{checkout}/libtorch/lib"
        )
    });
    // DT_RPATH, not DT_RUNPATH: it also serves the libraries that libtorch_cpu.so loads in turn.
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{rpath}");
    // torch-sys refuses any other than its own release, so the file speaks of what is linked.
    println!("cargo:rerun-if-changed=libtorch/build-version");
    if let Ok(version) = std::fs::read_to_string("libtorch/build-version") {
        println!("cargo:rustc-env=VARPIX_LIBTORCH={}", version.trim());
    }
}

/// `VARPIX_COMMIT`: given from outside (a container's build has no repository), else asked of git.
fn commit() {
    println!("cargo:rerun-if-env-changed=VARPIX_COMMIT");
    let given = std::env::var("VARPIX_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(|| {
        // The file that names the branch, and the branch's own.
        for file in [Some("HEAD".to_owned()), git(&["symbolic-ref", "-q", "HEAD"])].into_iter().flatten() {
            // Without the file (a packed branch) cargo would build anew each time.
            if let Some(path) =
                git(&["rev-parse", "--git-path", &file]).filter(|path| std::path::Path::new(path).exists())
            {
                println!("cargo:rerun-if-changed={path}");
            }
        }
        git(&["rev-parse", "--short=12", "HEAD"])
    });
    if let Some(commit) = commit {
        println!("cargo:rustc-env=VARPIX_COMMIT={commit}");
    }
}

fn git(args: &[&str]) -> Option<String> {
    let output = std::process::Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
