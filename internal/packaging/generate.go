package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"

	"upppoe/internal/config/completion"
)

// generate makes the files that belong to a program, as name below / and content: its manual page, which
// TestManual keeps equal to the program's tables, the scripts of shells, and the licence.
func (j *job) generate() (map[string]map[string][]byte, error) {
	all := map[string]map[string][]byte{}
	licence, err := os.ReadFile(filepath.Join(j.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	for _, program := range programs {
		doc := "usr/share/doc/" + packageOf(program) + "/"
		texts := map[string][]byte{doc + "copyright": licence}
		page, err := os.ReadFile(filepath.Join(j.root, "cmd", program, program+".8"))
		if err != nil {
			return nil, err
		}
		if texts["usr/share/man/man8/"+program+".8.gz"], err = compress(page); err != nil {
			return nil, err
		}
		for shell, path := range map[string]string{
			"bash": "usr/share/bash-completion/completions/" + program,
			"zsh":  "usr/share/zsh/vendor-completions/_" + program,
			"fish": "usr/share/fish/vendor_completions.d/" + program + ".fish",
		} {
			script, err := completion.Script(shell, program)
			if err != nil {
				return nil, err
			}
			texts[path] = []byte(script)
		}
		all[program] = texts
	}
	sample, err := os.ReadFile(filepath.Join(j.root, "internal/config/serverconfig/testdata/server.toml"))
	all["pppoe-server"]["usr/share/doc/upppoe-server/examples/server.toml"] = sample
	return all, err
}

// packageOf returns the name of a program's package: upppoe-client of pppoe-client.
func packageOf(program string) string { return "upp" + strings.TrimPrefix(program, "pp") }

// compress is gzip without a name and a time.
func compress(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}
