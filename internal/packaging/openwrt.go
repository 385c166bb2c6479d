package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// openwrtName is the name of the package for OpenWrt: the client, and the handler of netifd.
const openwrtName = "upppoe-client"

// openwrtPackages builds the packages of OpenWrt's opkg, for each of OpenWrt's architectures that a target is for. They
// differ only by its name.
func (j *job) openwrtPackages(t target, bin string) error {
	dir := filepath.Join(j.work, "openwrt", t.name)
	root := filepath.Join(dir, "root")
	if err := copyFile(filepath.Join(bin, "pppoe-client"), filepath.Join(root, "usr/sbin/pppoe-client"), 0o755); err != nil {
		return err
	}
	if err := copyTree(filepath.Join(j.root, "internal/packaging/files/openwrt/lib"), filepath.Join(root, "lib")); err != nil {
		return err
	}
	size, _, err := measure(root)
	if err != nil {
		return err
	}
	ipk := filepath.Join(dir, "ipk")
	if err := writeFile(filepath.Join(ipk, "debian-binary"), []byte("2.0\n"), 0o644); err != nil {
		return err
	}
	if err := j.writeArchive(filepath.Join(ipk, "data.tar.gz"), root, "./"); err != nil {
		return err
	}
	for _, arch := range t.openwrt {
		if err := j.ipk(dir, ipk, arch, size); err != nil {
			return err
		}
	}
	return nil
}

// ipk makes the package of an architecture: a tarball of debian-binary, data.tar.gz and control.tar.gz, whose names
// begin with "./", by which opkg finds them.
func (j *job) ipk(dir, ipk, arch string, size int64) error {
	control := fmt.Sprintf("Package: %s\nVersion: %s\nDepends: kmod-tun\nSection: net\nArchitecture: %s\nInstalled-Size: %d\nMaintainer: upppoe <upppoe@localhost>\n"+
		"Description: PPPoE client without PPP in the kernel, and proto upppoe of netifd\n", openwrtName, j.version.debian, arch, size)
	if err := writeFile(filepath.Join(dir, "control", "control"), []byte(control), 0o644); err != nil {
		return err
	}
	if err := j.writeArchive(filepath.Join(ipk, "control.tar.gz"), filepath.Join(dir, "control"), "./"); err != nil {
		return err
	}
	return j.writeArchive(filepath.Join(j.out, fmt.Sprintf("%s_%s_%s.ipk", openwrtName, j.version.debian, arch)), ipk, "./")
}

// writeArchive writes an archive to a file.
func (j *job) writeArchive(path, dir, prefix string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := j.archive(out, dir, prefix); err != nil {
		return err
	}
	return out.Close()
}
