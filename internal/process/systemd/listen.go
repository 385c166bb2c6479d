package systemd

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// firstFD is the first descriptor that the manager passes on (SD_LISTEN_FDS_START).
const firstFD = 3

// ListenFiles returns the files that the manager passes to this start of the service, by their names: those
// that StoreFiles has left, and sockets of socket units. Programs that this one starts do not inherit
// them. It must be called once, before other files are opened.
func ListenFiles() map[string][]*os.File {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	n, err := strconv.ParseUint(count, 10, 16)
	if err != nil || pid != strconv.Itoa(os.Getpid()) {
		return nil
	}
	return filesFrom(firstFD, int(n), strings.Split(names, ":"))
}

// filesFrom returns n files from a descriptor on, by name. Numbers without an open file are left out.
func filesFrom(first, n int, names []string) map[string][]*os.File {
	found := make(map[string][]numberedFile)
	for i := range n {
		fd := first + i
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			continue
		}
		unix.CloseOnExec(fd)
		name := "unknown" // the manager's word for files without a name
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		name, number := parseNumbered(name)
		found[name] = append(found[name], numberedFile{number, os.NewFile(uintptr(fd), name)})
		stored.set(name, max(stored.count(name), number+1))
	}
	all := make(map[string][]*os.File)
	for name, files := range found {
		all[name] = inOrder(files)
	}
	return all
}
