package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kubeconfig writes one with two contexts, whose servers begin with name.
func kubeconfig(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	text := strings.ReplaceAll(`apiVersion: v1
kind: Config
current-context: one
clusters: [{name: a, cluster: {server: "http://NAME-a.test"}}, {name: b, cluster: {server: "http://NAME-b.test"}}]
users: [{name: u, user: {token: hunter2}}]
contexts:
- {name: one, context: {cluster: a, user: u, namespace: eyes}}
- {name: two, context: {cluster: b, user: u}}
`, "NAME", name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheClusterIsFoundAsKubectlFindsIt(t *testing.T) {
	flag, env, home := kubeconfig(t, "flag"), kubeconfig(t, "env"), t.TempDir()
	tests := []struct {
		name                           string
		env                            string
		kubeconfig, context, namespace string
		server, in                     string // "" where it fails
		says                           string
	}{
		{name: "the flag before the environment", env: env, kubeconfig: flag, server: "http://flag-a.test", in: "eyes"},
		{name: "the environment", env: env, server: "http://env-a.test", in: "eyes"},
		{name: "another context", env: env, context: "two", server: "http://env-b.test", in: "default"},
		{name: "another namespace", env: env, namespace: "ears", server: "http://env-a.test", in: "ears"},
		{name: "a context that is not there", env: env, context: "three", says: "three"},
		{name: "a file that is not there", kubeconfig: filepath.Join(home, "none"), says: "reading the kubeconfig"},
		{name: "nothing", env: filepath.Join(home, "none"), says: "no cluster is known"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", test.env)
			t.Setenv("HOME", home)
			t.Setenv("KUBERNETES_SERVICE_HOST", "")
			c, err := Connect(test.kubeconfig, test.context, test.namespace)
			switch {
			case test.server == "" && (err == nil || !strings.Contains(err.Error(), test.says)):
				t.Errorf("err = %v; want %s", err, test.says)
			case test.server != "" && err != nil:
				t.Error(err)
			case test.server != "" && (c.Config().Host != test.server || c.Namespace() != test.in):
				t.Errorf("found %s, namespace %s; want %s, %s", c.Config().Host, c.Namespace(), test.server, test.in)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("told the token")
			}
		})
	}
}
