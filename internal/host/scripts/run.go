package scripts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// run runs a script, if it is there, and waits for its end.
func (s *caller) run(ctx context.Context, name string, c *call) {
	path := s.cfg.path(name)
	if err := executable(path); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.cfg.Log.Warn(fmt.Sprintf("Can't execute %s: %v", path, err))
		}
		return
	}
	cmd := exec.CommandContext(ctx, path, c.args...)
	cmd.Env, cmd.Dir = dedupeEnv(c.env), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = time.Second
	if err := start(cmd); err != nil {
		s.cfg.Log.Warn(fmt.Sprintf("Can't execute %s: %v", path, explainStartError(path, err)))
		return
	}
	pid := cmd.Process.Pid
	s.cfg.Log.Debug(fmt.Sprintf("Script %s started (pid %d)", path, pid))
	cmd.Wait() // its status is logged below
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	s.cfg.Log.Debug(fmt.Sprintf("Script %s finished (pid %d), status = 0x%x", path, pid, exitStatus(status)))
}

// path returns where a script is, if it exists.
func (c *Config) path(name string) string {
	if path := c.Paths[name]; path != "" {
		return path
	}
	return filepath.Join(c.Dir, name)
}

// exitStatus is an exit code, or of a script that a signal has ended the whole status, as in
// pppd's log.
func exitStatus(status syscall.WaitStatus) int {
	if status.Exited() {
		return status.ExitStatus()
	}
	return int(status)
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return errors.New("it is not executable: chmod +x it, or remove it")
	}
	return nil
}

// dedupeEnv takes out what a word without = names, and keeps the last of those that come
// twice.
func dedupeEnv(env []string) (out []string) {
	for _, word := range env {
		name := nameOf(word)
		out = slices.DeleteFunc(out, func(other string) bool { return nameOf(other) == name })
		if name != word {
			out = append(out, word)
		}
	}
	return out
}

func nameOf(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return name
}
