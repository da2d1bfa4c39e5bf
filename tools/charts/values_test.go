package charts

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

// schema is what JSON Schema says of one value, as far as is looked at here.
type schema struct {
	Description          string            `json:"description"`
	Type                 string            `json:"type"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties any               `json:"additionalProperties"`
	Items                *schema           `json:"items"`
}

func readSchema(t *testing.T) schema {
	t.Helper()
	var s schema
	if err := json.Unmarshal(read(t, chartDir+"/values.schema.json"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryValueIsDescribedAndNothingElseIsTaken(t *testing.T) {
	var look func(path string, s schema)
	look = func(path string, s schema) {
		if s.Description == "" || s.Type == "" {
			t.Errorf("%s: its description is %q, its type %q", path, s.Description, s.Type)
		}
		if len(s.Properties) > 0 && s.AdditionalProperties != false {
			t.Errorf("%s takes values that it does not have", path)
		}
		for name, property := range s.Properties {
			look(path+"."+name, property)
		}
		if s.Items != nil {
			look(path+"[]", *s.Items)
		}
	}
	look("", readSchema(t))
}

func TestValuesAndSchemaHaveTheSame(t *testing.T) {
	ownShape := []string{"global", "answersSink", "deadLetterSink"} // no default, or an empty one
	var look func(path string, v values, s schema)
	look = func(path string, v values, s schema) {
		for name := range v {
			if _, known := s.Properties[name]; !known {
				t.Errorf("the schema lacks %s%s", path, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(ownShape, name) {
				continue
			}
			value, there := v[name]
			if !there {
				t.Errorf("values.yaml lacks %s%s", path, name)
			}
			if inner, ok := value.(map[string]any); ok && len(s.Properties[name].Properties) > 0 {
				look(path+name+".", inner, s.Properties[name])
			}
		}
	}
	look("", loadChart(t).Values, readSchema(t))
}

func TestNonsenseIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ values, says string }{
		"a value that does not exist":             {`{replicas: 3}`, "replicas"},
		"a misspelt value":                        {`{gateway: {replica: 3}}`, "replica"},
		"no gateways":                             {`{gateway: {replicas: 0}}`, "replicas"},
		"gateways in words":                       {`{gateway: {replicas: two}}`, "replicas"},
		"another way to pods":                     {`{gateway: {pods: mesh}}`, "pods"},
		"a tag in the repository":                 {`{image: {repository: "ghcr.io/a/b:1"}}`, "repository"},
		"a digest that is none":                   {`{image: {digest: "sha256:1"}}`, "digest"},
		"a namespace in capitals":                 {`{functions: {namespace: Vision}}`, "namespace"},
		"two namespaces":                          {`{functions: {namespace: "a,b"}}`, "namespace"},
		"open in words":                           {`{access: {open: "yes"}}`, "open"},
		"keys as a list":                          {`{access: {keys: [a]}}`, "keys"},
		"nobody could come in":                    {`{access: {keysSecret: ""}}`, "nobody could come in"},
		"a port beyond the last":                  {`{service: {port: 65536}}`, "port"},
		"a Service of no type":                    {`{service: {type: ExternalName}}`, "type"},
		"fewer at most than at least":             {`{autoscaling: {minReplicas: 5, maxReplicas: 2}}`, "minReplicas is more than maxReplicas"},
		"many gateways on one disk":               {`{autoscaling: {enabled: true}, jobs: {store: volume}}`, "cannot be autoscaled"},
		"jobs anywhere":                           {`{jobs: {store: redis}}`, "store"},
		"no as a word of YAML":                    {`{jobs: {store: off}}`, "store"},
		"NATS without an address":                 {`{jobs: {store: nats}}`, "jobs.nats.url"},
		"NATS by HTTP":                            {`{jobs: {store: nats, nats: {url: "http://nats"}}}`, "url"},
		"two copies of a job":                     {`{jobs: {nats: {replicas: 2}}}`, "replicas"},
		"a disk of no size":                       {`{jobs: {volume: {size: big}}}`, "size"},
		"a relative folder":                       {`{cache: {path: models}}`, "path"},
		"a namespace twice":                       {`{cache: {namespaces: [a, a]}}`, "namespaces"},
		"identity by nothing":                     {`{eventing: {identity: none}}`, "identity"},
		"nothing guards the gateway":              {`{eventing: {enabled: true}, networkPolicy: {enabled: false}}`, "nothing else would guard"},
		"a Trigger to a gateway with TLS":         {`{eventing: {enabled: true}, tls: {secretName: a}}`, "without TLS"},
		"a duration as Go writes it":              {`{eventing: {delivery: {timeout: 2m}}}`, "timeout"},
		"a duration of nothing":                   {`{eventing: {delivery: {backoffDelay: PT}}}`, "backoffDelay"},
		"less than no retries":                    {`{eventing: {delivery: {retry: -1}}}`, "retry"},
		"a sink that is an address alone":         {`{eventing: {answersSink: "http://a"}}`, "answersSink"},
		"a sink without a name":                   {`{eventing: {answersSink: {ref: {apiVersion: v1, kind: Service}}}}`, "ref"},
		"a sink with a field that does not exist": {`{eventing: {deadLetterSink: {url: "http://a"}}}`, "url"},
		"an issuer without TLS":                   {`{eventing: {oidc: {issuer: "http://a"}}}`, "issuer"},
		"an interval of no unit":                  {`{monitoring: {interval: 15}}`, "interval"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := templated(loadChart(t), parse(t, c.values))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, want something of %q", err, c.says)
			}
		})
	}
}

func TestHelmHasNothingAgainstTheChart(t *testing.T) {
	all := map[string]values{"as it is": {}}
	for _, name := range overlayNames(t) {
		all[name] = valuesOf(t, name)
	}
	for name, text := range furtherValues {
		all[name] = parse(t, text)
	}
	for name, v := range all {
		for _, m := range lint.AllWithKubeVersion(chartDir, v, "saccade-system", nil).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

func TestTheNotesSayHowToGetIn(t *testing.T) {
	for name, c := range map[string]struct {
		values     string
		has, lacks string
	}{
		"keys are to be made":          {`{}`, "kubectl create secret generic saccade-keys", "OPEN"},
		"keys are given":               {`{access: {keys: "- {}"}}`, "Authorization: Bearer", "create secret"},
		"everybody comes in":           {`{access: {open: true}}`, "It is OPEN", "Authorization: Bearer"},
		"events come in without a key": {`{eventing: {enabled: true}}`, "Events need no credential", "OPEN"},
		"one namespace":                {`{functions: {namespace: vision}}`, "the namespace vision", "every namespace"},
		"TLS":                          {`{tls: {secretName: a}, service: {port: 443}}`, "https://localhost:8080", "http://localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			text := notes(t, parse(t, c.values))
			if !strings.Contains(text, c.has) || strings.Contains(text, c.lacks) {
				t.Errorf("want %q and not %q in:\n%s", c.has, c.lacks, text)
			}
		})
	}
}
