package ebpf

import (
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"upppoe/internal/host/undolog"
)

// undoRecord is the content of an undo file: what was changed at an interface, so that after a
// crash the next program can restore it.
type undoRecord struct {
	Index   int
	Changes []undoChange `json:"Switched"`
}

type undoChange struct {
	Features []string `json:"Words"`
	On       bool
}

// undoPath returns the path of an interface's undo file in a directory. The network namespace is
// part of the name.
func undoPath(dir, name string) (string, error) {
	var namespace unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &namespace); err != nil {
		return "", err
	}
	return filepath.Join(dir, fmt.Sprintf("ethtool.%s.%d.json", name, namespace.Ino)), nil
}

// Restore undoes what a killed program changed at an Ethernet interface, according to the undo
// records in a directory, unless another program has the interface now. Settings that have been
// changed by others since stay as they are. It must be called in the network namespace of the
// interface.
func Restore(dir, name string) error {
	path, err := undoPath(dir, name)
	if err != nil {
		return err
	}
	file, err := undolog.OpenExistingLocked(path)
	if err != nil || file == nil {
		return err
	}
	var record undoRecord
	found, err := file.Read(&record)
	if err != nil || !found {
		file.Remove()
		return err
	}
	t, err := openEthtool()
	if err != nil {
		file.Close()
		return err
	}
	defer t.close()
	o := ownership{name: name, index: record.Index, undo: file}
	for _, c := range record.Changes {
		o.changes = append(o.changes, featureChange{c.Features, c.On})
	}
	return o.restore(t)
}

// openUndo opens the undo file, if there is a directory for it and no other program has it open.
func (o *ownership) openUndo(dir string) (err error) {
	if dir == "" {
		return nil
	}
	path, err := undoPath(dir, o.name)
	if err == nil {
		o.undo, err = undolog.OpenLocked(path)
	}
	if o.undo != nil {
		o.adopt()
	}
	return err
}

// record writes the changes made so far, and the next one, before that is made: if the program is
// killed in between, Restore finds the feature unchanged.
func (o *ownership) record(next featureChange) error {
	if o.undo == nil {
		return nil
	}
	record := undoRecord{Index: o.index}
	for _, c := range append(slices.Clone(o.changes), next) {
		record.Changes = append(record.Changes, undoChange{c.features, c.on})
	}
	return o.undo.Write(record)
}

// closeUndo removes the undo file, or keeps it if restoring has failed.
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
