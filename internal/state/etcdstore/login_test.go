package etcdstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/state/etcdstore"
	"upppoe/internal/state/etcdstore/etcdtest"
)

// TestLogin: a client is made while etcd is away, and logs in when it is back, with the password that is current then; the
// error says if that is wrong. When the password was changed, the next one is read; a login is for many requests and
// streams; a server without authentication wants none.
func TestLogin(t *testing.T) {
	server := etcdtest.Start(t)
	admin := server.Dial()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(admin.UserAdd(t.Context(), "root", "root's"))
	must(admin.UserGrantRole(t.Context(), "root", "root"))
	must(admin.UserAdd(t.Context(), "bng", "first"))
	must(admin.RoleAdd(t.Context(), "cluster"))
	must(admin.RoleGrantPermission(t.Context(), "cluster", "k", "l", clientv3.PermissionType(clientv3.PermReadWrite)))
	must(admin.UserGrantRole(t.Context(), "bng", "cluster"))

	var password atomic.Value
	var read atomic.Int64
	password.Store("first")
	cfg := server.Config()
	cfg.User, cfg.Password = "bng", func() (string, error) {
		read.Add(1)
		is := password.Load().(string)
		if is == "" {
			return "", errNoFile
		}
		return is, nil
	}
	dial := func() *clientv3.Client {
		t.Helper()
		client, err := etcdstore.Dial(t.Context(), cfg)
		must(client, err)
		t.Cleanup(func() { client.Close() })
		return client
	}
	put := func(client *clientv3.Client) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := client.Put(ctx, "k", "v")
		return err
	}
	await := func(client *clientv3.Client) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			err := put(client)
			if err == nil {
				return
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	must(nil, put(dial())) // no authentication yet
	must(admin.AuthEnable(t.Context()))
	server.Kill()
	client := dial()
	server.Restart()
	await(client)

	password.Store("wrong")
	other := dial()
	for range 5 {
		if err := put(other); !errors.Is(err, rpctypes.ErrAuthFailed) {
			t.Errorf("a wrong password: %v", err)
		}
	}
	if err := cfg.Explain(t.Context(), put(other)); err == nil || err.Error() != `login of user "bng": etcdserver: authentication failed, invalid user ID or password` {
		t.Errorf("a wrong password: %v", err)
	}
	before := read.Load()
	lease, err := client.Grant(t.Context(), 60)
	must(lease, err)
	for range 50 {
		must(client.KeepAliveOnce(t.Context(), lease.ID))
	}
	if n := read.Load() - before; n > 2 { // the other one's
		t.Errorf("%d logins for 50 streams", n)
	}

	root := server.Config()
	root.User, root.Password = "root", func() (string, error) { return "root's", nil }
	admin, err = etcdstore.Dial(t.Context(), root)
	must(admin, err)
	t.Cleanup(func() { admin.Close() })
	must(admin.UserChangePassword(t.Context(), "bng", "second"))
	password.Store("first")
	if err := put(client); !errors.Is(err, rpctypes.ErrAuthFailed) {
		t.Errorf("a password that was changed: %v", err)
	}
	if _, err := client.KeepAliveOnce(t.Context(), lease.ID); !errors.Is(rpctypes.Error(err), rpctypes.ErrAuthFailed) {
		t.Errorf("a stream, with a password that was changed: %v", err)
	}
	password.Store("")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := put(client)
		if errors.Is(err, errNoFile) {
			break
		}
		// For a while after a refusal that is the answer, without another login.
		if !errors.Is(err, rpctypes.ErrAuthFailed) || time.Now().After(end) {
			t.Fatalf("no password: %v", err)
		}
	}
	password.Store("second")
	await(client)
	await(other)
	must(client.KeepAliveOnce(t.Context(), lease.ID))
}

var errNoFile = errors.New("no such file")
