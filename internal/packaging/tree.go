package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tree makes the files of a program below a directory, as they are installed below /.
func (j *job) tree(program, bin, root string, texts map[string][]byte) error {
	if err := copyFile(filepath.Join(bin, program), filepath.Join(root, "usr/sbin", program), 0o755); err != nil {
		return err
	}
	for name, text := range texts {
		if err := writeFile(filepath.Join(root, name), text, 0o644); err != nil {
			return err
		}
	}
	if program == "pppoe-client" {
		if err := links(filepath.Join(root, "usr/lib/upppoe")); err != nil {
			return err
		}
	}
	return copyTree(filepath.Join(j.root, "internal/packaging/files", packageOf(program)), root)
}

// links makes the names under which the client works like other programs.
func links(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"pppd", "pon", "poff", "plog"} {
		if err := os.Symlink("../../sbin/pppoe-client", filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies the files of a directory, if it exists, with their permission to be executed.
func copyTree(from, to string) error {
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return nil
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		return copyFile(path, filepath.Join(to, strings.TrimPrefix(path, from)), mode)
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, content, mode)
}

// writeFile writes a file with exactly this mode, and makes its directories.
func writeFile(path string, content []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, content, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
