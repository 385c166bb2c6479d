package scripts

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// umask is the umask of scripts, as in pppd: what they write may hold secrets.
const umask = 0o077

// start starts a script with its umask, on a thread that does not share the process's umask and
// ends afterwards; where that is not permitted, the process's umask is changed for the moment.
func start(cmd *exec.Cmd) error {
	started := make(chan error)
	// Ends once the script runs.
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if unix.Unshare(unix.CLONE_FS) != nil {
			started <- startShared(cmd)
			return
		}
		unix.Umask(umask)
		started <- cmd.Start()
	}()
	return <-started
}

// umaskMu guards the process's umask.
var umaskMu sync.Mutex

func startShared(cmd *exec.Cmd) error {
	umaskMu.Lock()
	defer umaskMu.Unlock()
	before := unix.Umask(umask)
	defer unix.Umask(before)
	return cmd.Start()
}

// explainStartError explains why a script could not be started: the kernel reports "no such file
// or directory" also for a script whose interpreter does not exist.
func explainStartError(path string, err error) error {
	interpreter, found := interpreterOf(path)
	switch {
	case found && bytes.HasSuffix(interpreter, []byte{'\r'}):
		return fmt.Errorf("its lines end with CR LF, as on Windows, so that the kernel looks for an interpreter %q: sed -i 's/\\r$//' %s", interpreter, path)
	case !found && errors.Is(err, unix.ENOEXEC):
		return errors.New("its first line names no interpreter: it should be #!/bin/sh")
	case found && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("its interpreter %q does not exist", interpreter)
	}
	return err
}

// maxInterpreter is how much of the first line the kernel reads, in octets (BINPRM_BUF_SIZE).
const maxInterpreter = 256

// interpreterOf returns the program that a script's first line names, without its argument.
func interpreterOf(path string) (name []byte, found bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, maxInterpreter)).ReadBytes('\n')
	rest, found := bytes.CutPrefix(bytes.TrimSuffix(line, []byte{'\n'}), []byte("#!"))
	name, _, _ = bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte{' '})
	return name, found
}
