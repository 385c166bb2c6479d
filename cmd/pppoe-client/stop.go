package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a client that is told to stop may take to say goodbye.
const patience = 15 * time.Second

// stop ends the clients that were started by `call PEER`, as poff does with pppd, and
// waits until they are gone.
func stop(peer string) int {
	clients, err := calls(peer)
	if err != nil {
		return fail(err)
	}
	if len(clients) == 0 {
		return fail(fmt.Errorf("no pppoe-client runs that was told to call %s", peer))
	}
	for _, pid := range clients {
		if err := unix.Kill(pid, unix.SIGTERM); err != nil {
			return fail(fmt.Errorf("process %d: %w", pid, err))
		}
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if left, err := calls(peer); err == nil && len(left) == 0 {
			return exitOK
		}
	}
	return fail(fmt.Errorf("still running after %v: %v", patience, clients))
}

// calls finds the processes of this program that call a peer.
func calls(peer string) (pids []int, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil || len(line) == 0 {
			continue // it has ended
		}
		args := bytes.Split(bytes.TrimSuffix(line, []byte{0}), []byte{0})
		if filepath.Base(string(args[0])) != filepath.Base(os.Args[0]) || !names(args[1:], peer) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// names says whether a command line says `call PEER`.
func names(args [][]byte, peer string) bool {
	for i := range args {
		if string(args[i]) == "call" && i+1 < len(args) && string(args[i+1]) == peer {
			return true
		}
	}
	return false
}
