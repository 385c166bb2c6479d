package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// debianPackages builds the package of each program.
func (j *job) debianPackages(t target, bin string, texts map[string]map[string][]byte) error {
	for _, program := range programs {
		root := filepath.Join(j.work, "deb", t.name, program)
		if err := j.tree(program, bin, root, texts[program]); err != nil {
			return err
		}
		if err := j.control(program, t, root); err != nil {
			return err
		}
		if err := j.dpkgDeb(root); err != nil {
			return err
		}
	}
	return nil
}

// dpkgDeb makes the package of a directory.
func (j *job) dpkgDeb(root string) error {
	// Directories get the umask's mode, and all files the time of the newest that is later.
	cmd := exec.Command("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", root, j.out)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(j.date.Unix(), 10))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg-deb: %w\n%s", err, out)
	}
	return nil
}

// control makes the directory DEBIAN: deb(5).
func (j *job) control(program string, t target, root string) error {
	name := packageOf(program)
	fixed := filepath.Join(j.root, "internal/packaging/files/debian")
	text, err := os.ReadFile(filepath.Join(fixed, name+".control"))
	if err != nil {
		return err
	}
	size, conffiles, err := measure(root)
	if err != nil {
		return err
	}
	head := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: upppoe <upppoe@localhost>\nInstalled-Size: %d\nPriority: optional\n",
		name, j.version.debian, t.debian, size>>10)
	if err := writeFile(filepath.Join(root, "DEBIAN/control"), []byte(head+string(text)), 0o644); err != nil {
		return err
	}
	if len(conffiles) > 0 {
		if err := writeFile(filepath.Join(root, "DEBIAN/conffiles"), []byte(strings.Join(conffiles, "\n")+"\n"), 0o644); err != nil {
			return err
		}
	}
	for _, script := range []string{"preinst", "postinst", "prerm", "postrm"} {
		err := copyFile(filepath.Join(fixed, name+"."+script), filepath.Join(root, "DEBIAN", script), 0o755)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// measure returns the size of all files, and those that belong to the administrator: all in /etc.
func measure(root string) (size int64, conffiles []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		if name := strings.TrimPrefix(path, root); strings.HasPrefix(name, "/etc/") {
			conffiles = append(conffiles, name)
		}
		return nil
	})
	slices.Sort(conffiles)
	return size, conffiles, err
}
