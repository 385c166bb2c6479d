package main

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"

	"upppoe/pppoe/linux"
)

// What of a server with a store outlives a program that is killed, so that packets pass until the next start
// adopts the sessions: the kernel data path, pinned below pinRoot, and network devices, which have the store's
// name as their owner.

const pinRoot = "/sys/fs/bpf/upppoe"

// owner returns the name of the store for what outlives the program; empty: nothing does.
func (s *sessionState) owner() string {
	if s.store() == nil {
		return ""
	}
	return ownerOf(s.path)
}

// ownerOf makes a name of a path that no other path has: of letters, digits and '-'. A BPF file system allows no
// dots.
func ownerOf(path string) string {
	path = filepath.Clean(path)
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, path)
	sum := sha256.Sum256([]byte(path))
	return fmt.Sprintf("%.60s-%x", strings.Trim(readable, "-"), sum[:4])
}

// isClean reports whether nothing of an earlier program is adopted.
func (s *sessionState) isClean() bool {
	return s.store() != nil && !(s.cfg.Adopt && s.store().Found().SameBoot)
}

// pin makes the kernel data path outlive the program.
func (s *sessionState) pin(o *linux.Opener) {
	if s.store() != nil {
		o.Pin, o.Clean = filepath.Join(pinRoot, s.owner()), s.isClean()
	}
}

// sweep removes what the sessions of an earlier program have left that were not adopted. It is called once when
// all others are.
func (p *program) sweep() {
	if n := p.opener.Sweep(); n > 0 { // before the devices go to which the kernel sends the packets
		p.log.Info(fmt.Sprintf("Removed %d sessions of an earlier program from the kernel data path", n))
	}
	p.network.sweep()
}

// closeOpener closes the kernel data path, and closeNetwork the network. A program that has not served leaves
// what an earlier one has left.
func (p *program) closeOpener() {
	if !p.served {
		p.opener.Leave()
		return
	}
	p.opener.Close()
}

func (p *program) closeNetwork() {
	if !p.served {
		p.network.leave()
		return
	}
	p.network.close()
}
