package client

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sessnode/sessnode/chaos/simnet"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

func TestDialWithDeadSeeds(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, f *fakeCluster) {
		f.net.Isolate("10.0.0.1")
		f.nodes[2].kill()
		start := time.Now()
		c, err := Dial(t.Context(), f.config())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("Dial took %v although one seed lives", took)
		}
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
	})
}

func TestDialNamesEverySeed(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.net.Isolate("10.0.0.1")
		f.net.Isolate("10.0.0.2")
		start := time.Now()
		_, err := Dial(t.Context(), f.config())
		if took := time.Since(start); took != timeoutDefault {
			t.Errorf("Dial took %v, want %v", took, timeoutDefault)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, wire.ErrPeerSilent) {
			t.Errorf("Dial = %v", err)
		}
		for _, n := range f.nodes {
			if !strings.Contains(err.Error(), n.member.Addr) {
				t.Errorf("error %q does not name %s", err, n.member.Addr)
			}
		}
	})
}

func TestDialWithWrongKeyFailsAtOnce(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		conf := f.config()
		key, err := wire.GenerateKey(bytes.NewReader(make([]byte, 32)))
		must(t, err)
		conf.Key = key
		start := time.Now()
		_, err = Dial(t.Context(), conf)
		if !errors.Is(err, wire.ErrKeyMismatch) && !errors.Is(err, wire.ErrKeyRefused) {
			t.Errorf("Dial = %v, want it to blame the key", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("Dial took %v", took)
		}
	})
}

func TestDialSaysWhatIsWrongWithTheKey(t *testing.T) {
	theirs, err := wire.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{1}, 32)))
	must(t, err)
	other, err := wire.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{2}, 32)))
	must(t, err)
	for name, test := range map[string]struct {
		key  wire.Key
		want string
	}{
		"none":    {wire.Key{}, "client: no node answered: 10.0.0.1:7946: no key was given: set Config.Key to the cluster's client key"},
		"another": {other, "client: no node answered: 10.0.0.1:7946: " + wire.ErrKeyMismatch.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
				f.nodes[0].kill()
				f.nodes[0].start(theirs)
				conf, log := logged(f.config())
				conf.Key = test.key
				_, err := Dial(t.Context(), conf)
				if err == nil || err.Error() != test.want {
					t.Errorf("Dial = %v\nwant %s", err, test.want)
				}
				if !errors.Is(err, wire.ErrKeyMismatch) || errors.Is(err, ErrNoKey) != test.key.IsZero() {
					t.Errorf("Dial = %#v, want it to wrap what it shows and why", err)
				}
				for _, tail := range []string{"x509", "CRYPTO_ERROR"} {
					if strings.Contains(log.String(), tail) {
						t.Errorf("log speaks of %s:\n%s", tail, log)
					}
				}
			})
		})
	}
}

func TestDialWithClientKey(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		conf := f.config()
		key, err := wire.DevelopmentKey().ClientKey()
		must(t, err)
		conf.Key = key
		c := f.dial(conf)
		defer c.Close()
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
	})
}

func TestDialWaitsForNodeWithoutSlots(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		n := f.nodes[0]
		whole := n.layout
		n.starts(replica.Layout{})
		time.AfterFunc(time.Second, func() { n.starts(whole) })
		start := time.Now()
		c, err := Dial(t.Context(), f.config())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Second {
			t.Errorf("Dial took %v, less than the cluster to form", took)
		}
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
		must(t, c.Close())
	})
}

func TestLayoutStaysFreshWhenSeedDies(t *testing.T) {
	inCluster(t, 4, func(t *testing.T, f *fakeCluster) {
		c := f.dial(f.config(1))
		defer c.Close()
		f.nodes[0].kill()
		for _, n := range f.nodes[1:] {
			n.push(f.claim(2, 3))
		}
		time.Sleep(50 * time.Millisecond)
		where, err := c.Locate(t.Context(), testID)
		if err != nil || where.Primary.Name != "n3" || where.Epoch != 2 {
			t.Errorf("located at %+v, %v, want n3", where, err)
		}
		if _, took, err := commit(t, c); err != nil || took > 20*time.Millisecond {
			t.Errorf("commit = %v in %v", err, took)
		}
	})
}

func TestSeedUnderAnotherNameStaysWhileNeeded(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		var hidden []replica.Member // what the nodes call themselves cannot be reached, as behind a port mapping
		for _, m := range f.members() {
			m.Addr = "10.9.9.9:" + m.Addr[len(m.Addr)-4:]
			hidden = append(hidden, m)
		}
		for _, n := range f.nodes {
			n.sees(hidden)
		}
		c := f.dial(f.config())
		defer c.Close()
		time.Sleep(10 * time.Second)
		if _, took, err := commit(t, c); err != nil || took > 5*time.Millisecond {
			t.Errorf("commit = %v in %v, want the seeds to pass it on", err, took)
		}
	})
}

func TestSeedComesBackWhenAllMembersAreGone(t *testing.T) {
	inCluster(t, 4, func(t *testing.T, f *fakeCluster) {
		all, seed := f.members(), f.nodes[3]
		for _, n := range f.nodes {
			n.sees(all[:2])
		}
		c := f.dial(f.config(4))
		defer c.Close()
		if c.peers.has(seed.member.Addr) {
			t.Error("still connected to a seed that is no member")
		}
		f.nodes[0].kill()
		f.nodes[1].kill()
		seed.starts(replica.Layout{Cluster: 7, Slots: fakeSlots, Members: all[2:3], Claims: []replica.Claim{f.claim(2, 3)}})
		if _, took, err := commit(t, c); err != nil || took > time.Second {
			t.Errorf("commit = %v in %v, want the seed to lead to the members of now", err, took)
		}
	})
}

func TestWordOfTheDeadIsForgotten(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		all := f.members()
		f.nodes[1].sees(all[1:])
		f.net.SetLatency("10.0.0.1", simnet.Any, 20*time.Millisecond, 0) // heard when the other has already denied it
		c := f.dial(f.config())
		defer c.Close()
		if diff := cmp.Diff(all, c.Members()); diff != "" {
			t.Errorf("members while both are heard (-want +got):\n%s", diff)
		}
		f.nodes[0].kill()
		time.Sleep(50 * time.Millisecond)
		if diff := cmp.Diff(all[1:], c.Members()); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
	})
}

func TestMembersComeAndGo(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, f *fakeCluster) {
		all := f.members()
		for _, n := range f.nodes {
			n.sees(all[:2])
		}
		c := f.dial(f.config(1, 2))
		defer c.Close()
		if diff := cmp.Diff(all[:2], c.Members()); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		for _, n := range f.nodes {
			n.sees(all[1:])
			n.push(f.claim(2, 3))
		}
		time.Sleep(100 * time.Millisecond)
		if diff := cmp.Diff(all[1:], c.Members()); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		if _, _, err := commit(t, c); err != nil { // connects to the third
			t.Error(err)
		}
		time.Sleep(100 * time.Millisecond)
		if c.peers.has(all[0].Addr) {
			t.Error("still connected to the one that left")
		}
		for _, n := range f.nodes {
			n.requests()
		}
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
		wantOneID(t, []int{0, 0, 1}, f.nodes...)
	})
}

func TestForeignClusterIsRefused(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[1].starts(replica.Layout{Cluster: 8, Slots: fakeSlots, Members: f.members(), Claims: []replica.Claim{f.claim(99, 2)}})
		f.net.SetLatency("10.0.0.2", simnet.Any, 50*time.Millisecond, 0)
		c := f.dial(f.config())
		defer c.Close()
		time.Sleep(time.Second)
		where, err := c.Locate(t.Context(), testID)
		if err != nil || where.Primary.Name != "n1" {
			t.Errorf("located at %+v, %v: the other cluster's claim was taken", where, err)
		}
	})
}

func TestStatus(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		c := f.dial(f.config())
		defer c.Close()
		got, err := c.Status(t.Context(), "10.0.0.2:7946")
		if string(got) != `{"node":"n2","told":""}` || err != nil {
			t.Errorf("status = %s, %v", got, err)
		}
		if got, err := c.Admin(t.Context(), "10.0.0.1:7946", "forget ", "n3"); string(got) != `{"node":"n1","told":"forget n3"}` || err != nil {
			t.Errorf("forget = %s, %v", got, err)
		}
		got, err = c.Admin(t.Context(), "10.0.0.1:7946", "refuse", "it lives")
		if got != nil || !errors.Is(err, replica.ErrBadRequest) || !strings.HasSuffix(err.Error(), "it lives") {
			t.Errorf("refuse = %s, %v, want ErrBadRequest with the node's words", got, err)
		}
		if got, err := c.Status(t.Context(), ""); len(got) == 0 || err != nil {
			t.Errorf("status of any = %s, %v", got, err)
		}
		if _, err := c.Status(t.Context(), "10.9.9.9:1"); err == nil {
			t.Error("status of a stranger worked")
		}
		f.net.Isolate("10.0.0.2")
		if _, err := c.Status(t.Context(), "10.0.0.2:7946"); !errors.Is(err, replica.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("status of a silent node = %v", err)
		}
	})
}

func TestStatusNeedsClusterKey(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		conf := f.config()
		key, err := wire.DevelopmentKey().ClientKey()
		must(t, err)
		conf.Key = key
		c := f.dial(conf)
		defer c.Close()
		for _, command := range []string{"", "early", "drain"} {
			got, err := c.Admin(t.Context(), "", command, "")
			if got != nil || !errors.Is(err, replica.ErrForbidden) || !strings.Contains(err.Error(), "cluster key") {
				t.Errorf("%q = %s, %v, want ErrForbidden that names the cluster key", command, got, err)
			}
		}
	})
}

func TestConfigValidate(t *testing.T) {
	for name, conf := range map[string]Config{
		"no nodes":  {},
		"no port":   {Nodes: []string{"localhost"}},
		"app":       {Nodes: []string{"a:1"}, App: strings.Repeat("a", replica.AppLenMax+1)},
		"timeout":   {Nodes: []string{"a:1"}, Timeout: -1},
		"in flight": {Nodes: []string{"a:1"}, InFlightMax: inFlightMaxLimit + 1},
		"conns":     {Nodes: []string{"a:1", "b:1"}, ConnsMax: 1},
	} {
		if _, err := Dial(t.Context(), conf); err == nil {
			t.Errorf("%s: Dial accepted it", name)
		}
	}
}
