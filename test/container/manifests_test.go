package container

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"
)

// workload is a container as compose.yaml or a manifest of Kubernetes says it.
type workload struct {
	args []string
	caps []string
	env  []string
}

// capabilityNames are the names of capabilities in such files.
var capabilityNames = map[string]int{"NET_RAW": unix.CAP_NET_RAW, "NET_ADMIN": unix.CAP_NET_ADMIN}

// decode decodes a YAML file below .docker into v.
func decode(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, ".docker", name))
	check(t, err)
	check(t, yaml.NewDecoder(bytes.NewReader(text)).Decode(v))
}

// compose returns the services of compose.yaml.
func compose(t *testing.T) map[string]workload {
	t.Helper()
	var file struct {
		Services map[string]struct {
			Command     []string
			Environment map[string]string
			ReadOnly    bool     `yaml:"read_only"`
			Drop        []string `yaml:"cap_drop"`
			Add         []string `yaml:"cap_add"`
			Security    []string `yaml:"security_opt"`
			Devices     []string
			Tmpfs       []string
		}
	}
	decode(t, "compose.yaml", &file)
	all := map[string]workload{}
	for name, s := range file.Services {
		if !s.ReadOnly || !slices.Equal(s.Drop, []string{"ALL"}) || !slices.Equal(s.Security, []string{"no-new-privileges"}) ||
			!slices.Equal(s.Devices, []string{"/dev/net/tun"}) || !slices.Equal(s.Tmpfs, []string{"/run"}) {
			t.Errorf("compose.yaml: %s is not confined as the Dockerfile says: %+v", name, s)
		}
		w := workload{args: s.Command, caps: s.Add}
		for variable, value := range s.Environment {
			w.env = append(w.env, variable+"="+value)
		}
		all[name] = w
	}
	return all
}

// manifest returns the container of a manifest of Kubernetes.
func manifest(t *testing.T, name string) workload {
	t.Helper()
	var file struct {
		Kind string
		Spec struct {
			Selector struct{ MatchLabels map[string]string } `yaml:"selector"`
			Template struct {
				Spec struct {
					HostNetwork bool `yaml:"hostNetwork"`
					Containers  []struct {
						Args            []string
						SecurityContext struct {
							ReadOnly     bool                         `yaml:"readOnlyRootFilesystem"`
							Escalation   *bool                        `yaml:"allowPrivilegeEscalation"`
							Capabilities struct{ Drop, Add []string } `yaml:"capabilities"`
						} `yaml:"securityContext"`
						VolumeMounts []struct{ Name, MountPath string } `yaml:"volumeMounts"`
					}
					Volumes []struct{ Name string }
				}
			}
		}
	}
	decode(t, "kubernetes/"+name, &file)
	spec := file.Spec.Template.Spec
	if file.Kind != "DaemonSet" || !spec.HostNetwork || len(spec.Containers) != 1 {
		t.Fatalf("%s: %+v", name, file)
	}
	c := spec.Containers[0]
	if s := c.SecurityContext; !s.ReadOnly || s.Escalation == nil || *s.Escalation || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("%s: the container is not confined: %+v", name, s)
	}
	for _, mount := range c.VolumeMounts {
		if !slices.ContainsFunc(spec.Volumes, func(v struct{ Name string }) bool { return v.Name == mount.Name }) {
			t.Errorf("%s: there is no volume %s", name, mount.Name)
		}
	}
	return workload{args: c.Args, caps: c.SecurityContext.Capabilities.Add}
}

// container returns what an engine makes of a workload. The interface is eth0 here.
func (w workload) container(t *testing.T) spec {
	t.Helper()
	s := spec{Root: minimal.root, Run: true, TUN: true, State: t.TempDir(), Args: minimal.command(w.args...), Env: w.env}
	for i, a := range s.Args {
		s.Args[i] = strings.ReplaceAll(a, "eth1", "eth0")
	}
	for _, name := range w.caps {
		number, known := capabilityNames[name]
		if !known {
			t.Fatalf("capability %s is more than the README names", name)
		}
		s.Caps = append(s.Caps, number)
	}
	return s
}

// wantWorkloads runs a server and a client as their files say: they have a session.
func wantWorkloads(t *testing.T, server, client workload) {
	t.Helper()
	near, far := hosts(t)
	s := server.container(t)
	s.Files = filepath.Join(repository, ".docker/lab")
	serving := run(t, far, s)
	check(t, serving.Await("Serving on eth0"))
	wantSession(t, near, far, run(t, near, client.container(t)))
	if code, err := serving.Stop(); err != nil || code != 0 {
		t.Errorf("the server's container ended with %d: %v", code, err)
	}
}

// TestCompose: the client of the lab dials its server.
func TestCompose(t *testing.T) {
	all := compose(t)
	client := all["client"]
	client.args = append(client.args, "defaultroute") // for wantSession
	wantWorkloads(t, all["server"], client)
}

// TestKubernetes: so do those of the manifests.
func TestKubernetes(t *testing.T) {
	client := manifest(t, "client.yaml")
	client.env = []string{"PPPOE_PASSWORD=her password"} // the secret's
	wantWorkloads(t, manifest(t, "server.yaml"), client)
}
