package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestVersions: a version that is given must be one for Debian; others follow a tag.
func TestVersions(t *testing.T) {
	for given, want := range map[string]version{"1.2.3": {"v1.2.3", "1.2.3"}, "v2.0~rc1": {"v2.0~rc1", "2.0~rc1"}} {
		if got, err := findVersion(".", given); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", given, got, err, want)
		}
	}
	for _, given := range []string{"latest", "1.0-1", "1 2", "v"} {
		if got, err := findVersion(".", given); err == nil {
			t.Errorf("%s is accepted, as %v", given, got)
		}
	}
	if got := versionSince("1.2.3", "0", "abc"); got.debian != "1.2.3" {
		t.Errorf("a tagged commit: %v", got)
	}
	if got := versionSince("1.2.3", "4", "abc"); got != (version{"v1.2.3-4-gabc", "1.2.3+git4.abc"}) {
		t.Errorf("after a tag: %v", got)
	}
}

func TestSelectTargets(t *testing.T) {
	if all, err := selectTargets(""); err != nil || len(all) != 6 {
		t.Errorf("%v, %v", all, err)
	}
	if some, err := selectTargets("amd64,mips-softfloat"); err != nil || len(some) != 2 {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := selectTargets("sparc"); err == nil {
		t.Error("there is sparc")
	}
}

// TestTarballIsReproducible: the same files give the same tarball, whatever their times.
func TestTarballIsReproducible(t *testing.T) {
	dir := t.TempDir()
	j := &job{date: time.Unix(1767225600, 0)}
	var archives [2][]byte
	for i := range archives {
		root := filepath.Join(dir, "in", "upppoe-1")
		os.RemoveAll(root)
		err := writeFile(filepath.Join(root, "usr/sbin/x"), []byte("program"), 0o755)
		if err == nil {
			err = links(filepath.Join(root, "usr/lib/upppoe"))
		}
		out, failed := os.Create(filepath.Join(dir, "out"))
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		os.Chtimes(filepath.Join(root, "usr/sbin/x"), time.Time{}, time.Unix(int64(i)*1000+1, 0))
		if err := j.archive(out, filepath.Dir(root), ""); err != nil {
			t.Fatal(err)
		}
		out.Close()
		archives[i], _ = os.ReadFile(out.Name())
	}
	if len(archives[0]) < 100 || !bytes.Equal(archives[0], archives[1]) {
		t.Error("two tarballs of the same files differ")
	}
}

// TestIPK: the package for OpenWrt has what opkg looks for under names that begin with "./", and the handler of netifd.
// No name has a prefix.
func TestIPK(t *testing.T) {
	dir := t.TempDir()
	j := &job{root: "../..", work: filepath.Join(dir, "work"), out: dir, version: version{debian: "1.2.3"}, date: time.Unix(1767225600, 0)}
	if err := writeFile(filepath.Join(dir, "bin/pppoe-client"), []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := j.openwrtPackages(target{name: "x", openwrt: []string{"x86_64", "mips_24kc"}}, filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"x86_64", "mips_24kc"} {
		parts := unpacked(t, filepath.Join(dir, "upppoe-client_1.2.3_"+arch+".ipk"))
		for _, part := range []string{"./control.tar.gz", "./data.tar.gz"} {
			file := filepath.Join(dir, filepath.Base(part))
			if err := os.WriteFile(file, parts[part], 0o644); err != nil {
				t.Fatal(err)
			}
			maps.Copy(parts, unpacked(t, file))
		}
		if string(parts["./debian-binary"]) != "2.0\n" || string(parts["./usr/sbin/pppoe-client"]) != "program" ||
			!bytes.Contains(parts["./control"], []byte("\nArchitecture: "+arch+"\n")) || parts["./lib/netifd/proto/upppoe.sh"] == nil {
			t.Errorf("%s: %q", arch, slices.Sorted(maps.Keys(parts)))
		}
	}
}

// unpacked returns the files of a tarball, by their names.
func unpacked(t *testing.T, path string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.AccessTime.IsZero() || !h.ChangeTime.IsZero() {
			t.Errorf("%s: %s has more times than busybox's tar expects", path, h.Name)
		}
		if all[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
