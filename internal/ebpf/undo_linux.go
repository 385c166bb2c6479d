package ebpf

import (
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"upppoe/internal/host/undolog"
)

// undoRecord is what a file says has been switched at an interface, so that after a crash the next
// program can put it back.
type undoRecord struct {
	Index    int
	Switched []undoChange
}

type undoChange struct {
	Words []string
	On    bool
}

// undoPath is the file of an interface in a directory. Interfaces of that name in other network
// namespaces have others.
func undoPath(dir, name string) (string, error) {
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
	path, err := undoPath(dir, name)
	if err != nil {
		return err
	}
	file, err := undolog.OpenExistingLocked(path)
	if err != nil || file == nil {
		return err
	}
	var is undoRecord
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
	o := ownership{name: name, index: is.Index, undo: file}
	for _, s := range is.Switched {
		o.changes = append(o.changes, featureChange{s.Words, s.On})
	}
	return o.restore(t)
}

// openUndo has what is switched from now on remembered, as far as that can be.
func (o *ownership) openUndo(dir string) (err error) {
	if dir == "" {
		return nil
	}
	path, err := undoPath(dir, o.name)
	if err == nil {
		o.undo, err = undolog.OpenLocked(path)
	}
	return err
}

// record writes down what has been switched. It is done before a feature is switched: what has
// not been yet will be found to be as it was.
func (o *ownership) record(next featureChange) error {
	if o.undo == nil {
		return nil
	}
	is := undoRecord{Index: o.index}
	for _, s := range append(slices.Clone(o.changes), next) {
		is.Switched = append(is.Switched, undoChange{s.features, s.on})
	}
	return o.undo.Write(is)
}

// closeUndo gives the file up: there is nothing to be put back any more, or it could not be.
func (o *ownership) closeUndo(failed bool) error {
	file := o.undo
	o.undo = nil
	switch {
	case file == nil:
		return nil
	case failed:
		return file.Close()
	}
	return file.Remove()
}
