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

// umask is that of scripts, as pppd sets it: what they write may hold secrets.
const umask = 0o077

// start starts a script with its umask. A thread of its own has one of its own, and ends with
// it; where that is not allowed, the whole process has it for the moment.
func start(cmd *exec.Cmd) error {
	started := make(chan error)
	// Ends once the script runs.
	go func() {
		runtime.LockOSThread() // and never unlock it: the thread ends with the goroutine
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

// explainStartError is why a script could not be started, in words that name the script's own fault: the
// kernel says "no such file or directory" of a script whose interpreter is not there.
func explainStartError(path string, err error) error {
	interpreter, found := interpreterOf(path)
	switch {
	case found && bytes.HasSuffix(interpreter, []byte{'\r'}):
		return fmt.Errorf("its lines end with CR LF, as on Windows, so that the kernel looks for an interpreter %q: sed -i 's/\\r$//' %s", interpreter, path)
	case !found && errors.Is(err, unix.ENOEXEC):
		return errors.New("its first line names no interpreter: it should be #!/bin/sh")
	case found && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("its interpreter %q is not there", interpreter)
	}
	return err
}

// maxInterpreter is how much of a first line the kernel reads, in octets (BINPRM_BUF_SIZE).
const maxInterpreter = 256

// interpreterOf is the program that a script's first line names, without its argument.
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
