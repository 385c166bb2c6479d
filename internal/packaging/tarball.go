package main

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// tarball makes the tarball of a target: the programs, and what belongs to them, below one directory, from
// where cp -a copies it to /. What is for OpenWrt is in the directory openwrt.
func (j *job) tarball(t target, bin string, texts map[string]map[string][]byte) error {
	name := "upppoe-" + j.version.debian + "-linux-" + t.name
	root := filepath.Join(j.work, "tar", t.name, name) // its directory has nothing else
	for _, program := range programs {
		if err := j.tree(program, bin, root, texts[program]); err != nil {
			return err
		}
	}
	if err := copyTree(filepath.Join(j.root, "internal/packaging/files/openwrt"), filepath.Join(root, "openwrt")); err != nil {
		return err
	}
	return j.writeArchive(filepath.Join(j.out, name+".tar.gz"), filepath.Dir(root), "")
}

// archive writes a directory's files, which belong to root, in the order of their names, which begin with a
// prefix.
func (j *job) archive(out io.Writer, dir, prefix string) error {
	z := gzip.NewWriter(out)
	w := tar.NewWriter(z)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		return j.add(w, dir, prefix, path, d)
	})
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = z.Close()
	}
	return err
}

// add writes one file.
func (j *job) add(w *tar.Writer, dir, prefix, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	link := ""
	if info.Mode().Type() == fs.ModeSymlink {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	h.Name = prefix + name
	if info.IsDir() {
		h.Name += "/"
	}
	h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime, h.Format = 0, 0, "root", "root", j.date, tar.FormatGNU
	// GNU's place for these times is a part of the name to other programs, like busybox.
	h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}
	if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
