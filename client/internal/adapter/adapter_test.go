package adapter

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/replica"
)

func target(t *testing.T, store client.Store) Target {
	t.Helper()
	checked, err := Target{Store: store}.Checked()
	if err != nil {
		t.Fatal(err)
	}
	return checked
}

// Sessions outlive an upgrade only as long as a token keeps its id.
func TestIDOfTokenNeverChanges(t *testing.T) {
	const want = "PEaenW.ekPzU9T4jmH8-BLGbu40V0"
	if got := ID("token"); got != want || !replica.WellFormedID(got) {
		t.Errorf("ID = %q, want %q", got, want)
	}
	if ID("token") == ID("Token") {
		t.Error("two tokens share an id")
	}
}

func TestChecked(t *testing.T) {
	store := clienttest.NewStore()
	for name, bad := range map[string]Target{
		"no store":   {},
		"long name":  {Store: store, App: strings.Repeat("a", replica.AppLenMax+1)},
		"durability": {Store: store, Durability: replica.DurableNone + 1},
	} {
		if _, err := bad.Checked(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for want, of := range map[string]Target{
		client.AppDefault: {Store: store},
		"shop":            {Store: named{store}},
		"other":           {Store: named{store}, App: "other"},
	} {
		if got, err := of.Checked(); err != nil || got.App != want {
			t.Errorf("application %q, %v, want %q", got.App, err, want)
		}
	}
}

// named is a store that was opened for an application.
type named struct{ client.Store }

func (named) App() string { return "shop" }

func TestValueUnderToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, ctx := target(t, clienttest.NewStore()), t.Context()
		find := func(want string, wantFound bool) {
			t.Helper()
			if got, found, err := to.Find(ctx, "token"); err != nil || found != wantFound || string(got) != want {
				t.Errorf("find = %q, %v, %v, want %q", got, found, err, want)
			}
		}
		write := func(value string, lifetime time.Duration) {
			t.Helper()
			own := []byte(value)
			if err := to.Write(ctx, "token", own, lifetime); err != nil {
				t.Error(err)
			}
			clear(own)
		}
		find("", false)
		write("1", time.Minute)
		find("1", true)
		time.Sleep(50 * time.Second)
		write("2", time.Minute)
		time.Sleep(50 * time.Second)
		find("2", true)
		time.Sleep(20 * time.Second)
		find("", false)
		write("3", 0) // what expired may be written anew
		time.Sleep(23 * time.Hour)
		find("3", true)
		time.Sleep(2 * time.Hour)
		find("", false)
	})
}

func TestDeletedTokenStaysDead(t *testing.T) {
	to, ctx := target(t, clienttest.NewStore()), t.Context()
	for _, token := range []string{"written", "unknown"} {
		if token == "written" {
			if err := to.Write(ctx, token, []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := to.Delete(ctx, token); err != nil {
				t.Errorf("%s: delete = %v", token, err)
			}
		}
		if err := to.Write(ctx, token, []byte("2"), 0); !errors.Is(err, replica.ErrDestroyed) {
			t.Errorf("%s: write = %v, want %v", token, err, replica.ErrDestroyed)
		}
		if _, found, err := to.Find(ctx, token); found || err != nil {
			t.Errorf("%s: found %v, %v", token, found, err)
		}
	}
}

// racing is a store where somebody else creates the session between the two halves of a write.
type racing struct {
	client.Store
	commits int
}

func (s *racing) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	if s.commits++; s.commits == 2 {
		other := *c
		if _, err := s.Store.Commit(ctx, &other); err != nil {
			return replica.Result{}, err
		}
	}
	return s.Store.Commit(ctx, c)
}

func TestParallelFirstWrites(t *testing.T) {
	store := &racing{Store: clienttest.NewStore()}
	to := target(t, store)
	if err := to.Write(t.Context(), "token", []byte("1"), 0); err != nil || store.commits != 3 {
		t.Errorf("write = %v after %d commits", err, store.commits)
	}
}

// refusing answers with a status and no error, as a store may.
type refusing struct{ client.Store }

func (refusing) Load(context.Context, *replica.Load) (replica.Result, error) {
	return replica.Result{Status: replica.StatusOverloaded}, nil
}

func (refusing) Commit(context.Context, *replica.Commit) (replica.Result, error) {
	return replica.Result{Status: replica.StatusOverloaded}, nil
}

func TestStatusIsError(t *testing.T) {
	to := target(t, refusing{})
	if _, _, err := to.Find(t.Context(), "token"); !errors.Is(err, replica.ErrOverloaded) {
		t.Errorf("find = %v", err)
	}
	if err := to.Write(t.Context(), "token", nil, 0); !errors.Is(err, replica.ErrOverloaded) {
		t.Errorf("write = %v", err)
	}
}
