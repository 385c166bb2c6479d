package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/pppoe"
)

// readPoolFile reads rp-pppoe's file of addresses (-p): an address, or a range like 192.0.2.10-99, in each
// line. Empty lines and those that begin with # are ignored.
func readPoolFile(path string) (p pppoe.AddressPool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return p, &pppd.Error{Message: "-p: " + err.Error()}
	}
	defer file.Close()
	p.Name = pppoe.FirstPool
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		r, err := pppoe.ParseAddressRange(line)
		if err != nil {
			return p, &pppd.Error{Message: fmt.Sprintf("-p: %s:%d: %v: give an address, or a range like 192.0.2.10-99", path, n, err)}
		}
		p.Ranges = append(p.Ranges, r)
	}
	if err := lines.Err(); err != nil {
		return p, &pppd.Error{Message: fmt.Sprintf("-p: %s: %v", path, err)}
	}
	for _, problem := range pppoe.CheckPools([]pppoe.AddressPool{p}) {
		return p, &pppd.Error{Message: fmt.Sprintf("-p: %s: %s: give %s", path, problem.Text, problem.Wants)}
	}
	return p, nil
}

// checkPoolFile is -P.
func checkPoolFile(path string) int {
	if path == "" {
		return fail(&pppd.Error{Message: "-P checks a file of addresses: name one by -p"})
	}
	p, err := readPoolFile(path)
	if err != nil {
		return fail(err)
	}
	for _, r := range p.Ranges {
		fmt.Println(r)
	}
	fmt.Printf("%s has %d addresses\n", path, p.Size())
	return exitOK
}
