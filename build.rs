//! Sets the commit and libtorch version for `--version`, and the rpath of the binary: torch-sys sets its rpath only for its own build.
//!
//! Search order: `../lib/varpix` relative to an installed binary; `libtorch/lib` of the checkout relative to
//! `target/<profile>` and `target/<profile>/deps`; the absolute path of that folder, for other target folders. `VARPIX_RPATH`
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
    // torch-sys rejects other releases than its own, so this is the version that is linked.
    println!("cargo:rerun-if-changed=libtorch/build-version");
    if let Ok(version) = std::fs::read_to_string("libtorch/build-version") {
        println!("cargo:rustc-env=VARPIX_LIBTORCH={}", version.trim());
    }
}

/// `VARPIX_COMMIT`: set in the environment (container builds have no repository), otherwise read with git.
fn commit() {
    println!("cargo:rerun-if-env-changed=VARPIX_COMMIT");
    let given = std::env::var("VARPIX_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(|| {
        // HEAD, and the file of the branch that it names.
        for file in [Some("HEAD".to_owned()), git(&["symbolic-ref", "-q", "HEAD"])].into_iter().flatten() {
            // With a missing file (a packed branch) cargo would rebuild every time.
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
