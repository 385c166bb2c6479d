package completion

import (
	"net"
	"os"
	"path/filepath"
	"slices"

	"upppoe/pppoe/datapath"
)

// Interfaces returns the names of the network interfaces, without the loopback.
func Interfaces() (names []string) {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 {
			names = append(names, i.Name)
		}
	}
	slices.Sort(names)
	return names
}

// DataPaths returns the names of the data paths.
func DataPaths() (names []string) {
	for _, kind := range []datapath.Kind{datapath.KindAuto, datapath.KindKernel, datapath.KindGSO, datapath.KindPlain} {
		names = append(names, kind.String())
	}
	return names
}

// FilesIn returns the names of the files in a directory and below, without those that begin with a dot.
func FilesIn(dir string) (names []string) {
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return filepath.SkipDir
		case path != dir && d.Name()[0] == '.' && d.IsDir():
			return filepath.SkipDir
		case !d.IsDir() && d.Name()[0] != '.':
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return nil
	})
	return names
}
