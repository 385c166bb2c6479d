// Command demo shows the project at work on any Linux machine with Go: it compiles the programs,
// connects two network namespaces by a veth pair, starts a server in one, dials from the other,
// pings through the session, shows what happened, and cleans up.
//
//	go run ./test/demo
//	go run ./test/demo --vlan 50.100, --relay, --keep
//	go run ./test/demo --web    # with 200 clients more, and the server's page, until interrupted
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

func main() {
	o := addFlags(flag.CommandLine)
	flag.Parse()
	if err := o.check(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "demo: "+err.Error())
		os.Exit(2)
	}
	// If the reader of our output ends (`| head`), continue and clean up. Unlike an ignored signal,
	// this is not inherited by programs that are started.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	code, done, err := lab.Enter(build)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo: "+err.Error())
		os.Exit(1)
	}
	if done {
		os.Exit(code)
	}
	if err := runDemo(os.Getenv(programsEnv), o); err != nil {
		fmt.Fprintln(os.Stderr, "demo: "+err.Error())
		os.Exit(1)
	}
}

// programsEnv is the environment variable with the directory of the programs, which are compiled
// before the demo enters its namespaces: modules may have to be downloaded.
const programsEnv = "UPPPOE_DEMO_PROGRAMS"

// build compiles the programs in a new directory.
func build() error {
	fmt.Println("== building the programs")
	dir, err := os.MkdirTemp("", "upppoe-demo-")
	if err != nil {
		return err
	}
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if err := lab.Build(root, dir, "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery"); err != nil {
		os.RemoveAll(dir)
		return fmt.Errorf("build the programs: %w", err)
	}
	return os.Setenv(programsEnv, dir)
}

// The network of the demo:
//
//	client namespace                          server namespace
//	ppp0 192.0.2.10                           ppp0 192.0.2.1
//	eth0 02:00:5e:00:53:02 ----- veth ------- eth0 02:00:5e:00:53:01, 203.0.113.254
const (
	clientMAC     = "02:00:5e:00:53:02"
	serverMAC     = "02:00:5e:00:53:01"
	serverAddress = "203.0.113.254"
)

// demo is the running demo.
type demo struct {
	options        *options
	dir            string
	client, server *lab.Namespace
	began          time.Time
	mu             sync.Mutex // guards standard output, and quiet
	quiet          bool       // lines of the programs are not printed: there are too many
	programs       []*exec.Cmd
	crowd          *crowd // nil: there are no more clients
	relay          *relay // nil: client and server are connected directly
}

// runDemo runs the demo with the programs in a directory, and removes it.
func runDemo(dir string, o *options) error {
	s, keep := &demo{options: o, dir: dir}, o.keep
	defer s.cleanUp(&keep)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, unix.SIGINT, unix.SIGTERM)
	// Ends with the program.
	go func() {
		<-interrupted
		keep = false
		s.cleanUp(&keep)
		os.Exit(1)
	}()
	for _, step := range s.steps() {
		fmt.Printf("== %s\n", step.title)
		if err := step.do(); err != nil {
			keep = false
			return fmt.Errorf("%s: %w", step.title, err)
		}
	}
	if keep {
		s.printHowToEnter()
		if s.crowd != nil {
			select {} // the clients are in this process: a signal ends it
		}
		return nil
	}
	fmt.Println("== hanging up")
	return s.hangUp()
}

// step is a part of the demo.
type step struct {
	title string
	do    func() error
}

// steps returns what the demo does before its end.
func (s *demo) steps() []step {
	all := []step{
		{"creating two namespaces and a veth pair", s.createNetwork},
		{"starting the server", s.serve},
		{"dialling", s.dial},
		{"pinging through the session", s.ping},
	}
	if s.options.clients > 0 {
		all = append(all, step{fmt.Sprintf("dialling with %d clients more", s.options.clients), s.dialCrowd})
	}
	if s.options.web {
		all = append(all, step{"opening the server's page", s.showPage})
	}
	return all
}

func (s *demo) createNetwork() (err error) {
	if s.client, err = lab.NewNamespace(); err != nil {
		return err
	}
	if s.server, err = lab.NewNamespace(); err != nil {
		return err
	}
	if s.options.relay {
		err = s.connectRelay()
	} else {
		err = lab.Veth(lab.End{In: s.client, Name: "eth0", MAC: clientMAC}, lab.End{In: s.server, Name: "eth0", MAC: serverMAC})
	}
	if err != nil {
		return err
	}
	return s.server.Address("eth0", serverAddress+"/24")
}

// files are the server's files.
var files = map[string]string{
	"pppoe-server-options": "require-chap\nlcp-echo-interval 10\nlcp-echo-failure 3\nms-dns 203.0.113.53\n",
	"chap-secrets":         "\"demo\" * \"open sesame\" *\n\"*\" * \"crowd\" *\n",
}

func (s *demo) serve() error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	args := []string{"-I", "eth0", "-L", "192.0.2.1", "-R", "192.0.2.10", "-C", "demo-ac", "-F", "--etc", s.dir}
	return s.start(s.server, "server", "Serving on", "pppoe-server", append(args, s.options.serverArgs()...)...)
}

func (s *demo) dial() error {
	s.began = time.Now()
	os.Setenv("PPPOE_PASSWORD", "open sesame")
	args := append([]string{"eth0", "user", "demo", "defaultroute", "noauth", "debug", "nodetach", "state-dir", s.dir}, s.options.clientArgs()...)
	err := s.start(s.client, "client", "remote IP address", "pppoe-client", args...)
	if err == nil {
		fmt.Printf("   online %.1f ms after the program was started\n", ms(time.Since(s.began)))
	}
	return err
}

// timeout bounds each step.
const timeout = 15 * time.Second

// start starts a program, prints its output, and waits for a line with a given prefix.
func (s *demo) start(n *lab.Namespace, who, until, program string, args ...string) error {
	binds, err := lab.PrivateDirs(filepath.Join(s.dir, who))
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.dir, program), args...)
	cmd.Env = append(os.Environ(), "HOME="+s.dir) // no ~/.ppprc
	lines, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := n.Start(cmd, binds...); err != nil {
		return err
	}
	s.programs = append(s.programs, cmd)
	seen, ended := make(chan struct{}), make(chan struct{})
	// Ends with the program's output.
	go s.follow(lines, who, until, seen, ended)
	select {
	case <-seen:
		return nil
	case <-ended:
		return errors.New(program + " ended")
	case <-time.After(timeout):
		return fmt.Errorf("%s did not print %q within %v", program, until, timeout)
	}
}

func (s *demo) follow(lines io.Reader, who, until string, seen, ended chan<- struct{}) {
	defer close(ended)
	began, found := time.Now(), false
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		s.mu.Lock()
		if !s.quiet {
			fmt.Printf("   %s %7.1f ms  %s\n", who, ms(time.Since(began)), scan.Text())
		}
		s.mu.Unlock()
		if !found && strings.HasPrefix(scan.Text(), until) {
			found = true
			close(seen)
		}
	}
}

func (s *demo) ping() error {
	to := netip.MustParseAddr(serverAddress)
	for seq := 1; seq <= 3; seq++ {
		took, err := s.client.Ping(to, seq, timeout)
		if err != nil {
			return err
		}
		fmt.Printf("   answer from %v, seq %d: %.3f ms\n", to, seq, ms(took))
	}
	return nil
}

// hangUp ends the client and checks that it leaves nothing behind.
func (s *demo) hangUp() error {
	if s.crowd != nil {
		s.crowd.hangUp()
	}
	client := s.programs[len(s.programs)-1]
	client.Process.Signal(unix.SIGTERM)
	client.Wait()
	if out := client.ProcessState.ExitCode(); out != 5 {
		return fmt.Errorf("pppoe-client ended with %d, want 5 (ended by a signal)", out)
	}
	if _, err := s.client.Ping(netip.MustParseAddr(serverAddress), 9, 0); err == nil {
		return errors.New("the session is over, but packets still pass")
	}
	fmt.Println("== done: the session, its devices and its routes are gone")
	return nil
}

func (s *demo) printHowToEnter() {
	enter := "nsenter -t %d -m -n"
	if os.Getenv("UPPPOE_LAB_USERNS") != "" {
		enter = "nsenter -t %d -U -m -n --preserve-credentials"
	}
	fmt.Println("== the lab stays up; enter it by")
	pids := make([]string, len(s.programs))
	for i, who := range []string{"server", "client"} {
		fmt.Printf("   %s:  "+enter+"\n", who, s.programs[i].Process.Pid)
		pids[i] = fmt.Sprint(s.programs[i].Process.Pid)
	}
	if s.relay != nil {
		pids = append(pids, fmt.Sprint(s.relay.cmd.Process.Pid))
	}
	if s.crowd != nil {
		fmt.Println("   and end it by Ctrl-C")
		return
	}
	fmt.Printf("   and end it by:  kill %s; rm -r %s\n", strings.Join(pids, " "), s.dir)
}

func (s *demo) cleanUp(keep *bool) {
	if *keep {
		return
	}
	if s.crowd != nil {
		s.crowd.hangUp()
	}
	for i := len(s.programs) - 1; i >= 0; i-- {
		s.programs[i].Process.Signal(unix.SIGTERM)
		s.programs[i].Wait()
	}
	s.relay.close()
	for _, n := range []*lab.Namespace{s.client, s.server} {
		if n != nil {
			n.Close()
		}
	}
	os.RemoveAll(s.dir)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
