package ebpf

import (
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"upppoe/internal/host/undolog"
)

// remembered is what a file says has been switched at an interface, so that after a crash the next
// program can put it back.
type remembered struct {
	Index    int
	Switched []rememberedSwitch
}

type rememberedSwitch struct {
	Words []string
	On    bool
}

// memoryOf is the file of an interface in a directory. Interfaces of that name in other network
// namespaces have others.
func memoryOf(dir, name string) (string, error) {
	var namespace unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &namespace); err != nil {
		return "", err
	}
	return filepath.Join(dir, fmt.Sprintf("ethtool.%s.%d.json", name, namespace.Ino)), nil
}

// Restore puts back what a program that was killed has switched at an Ethernet interface, as files
// in a directory tell, unless another program has the interface now. What has been switched by
// others since stays as it is.
func Restore(dir, name string) error {
	path, err := memoryOf(dir, name)
	if err != nil {
		return err
	}
	file, err := undolog.OpenExistingLocked(path)
	if err != nil || file == nil {
		return err
	}
	var is remembered
	there, err := file.Read(&is)
	if err != nil || !there {
		file.Remove()
		return err
	}
	t, err := openEthtool()
	if err != nil {
		file.Close()
		return err
	}
	defer t.close()
	o := own{name: name, index: is.Index, memory: file}
	for _, s := range is.Switched {
		o.switched = append(o.switched, switched{s.Words, s.On})
	}
	return o.back(t)
}

// hold has what is switched from now on remembered, as far as that can be.
func (o *own) hold(dir string) (err error) {
	if dir == "" {
		return nil
	}
	path, err := memoryOf(dir, o.name)
	if err == nil {
		o.memory, err = undolog.OpenLocked(path)
	}
	return err
}

// remember writes down what has been switched. It is done before a feature is switched: what has
// not been yet will be found to be as it was.
func (o *own) remember(next switched) error {
	if o.memory == nil {
		return nil
	}
	is := remembered{Index: o.index}
	for _, s := range append(slices.Clone(o.switched), next) {
		is.Switched = append(is.Switched, rememberedSwitch{s.words, s.on})
	}
	return o.memory.Write(is)
}

// forget gives the file up: there is nothing to be put back any more, or it could not be.
func (o *own) forget(failed bool) error {
	file := o.memory
	o.memory = nil
	switch {
	case file == nil:
		return nil
	case failed:
		return file.Close()
	}
	return file.Remove()
}
