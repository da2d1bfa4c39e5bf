package main

import (
	"debug/elf"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/runtime/onnx/library"
	turbo "github.com/seed45885407/saccade/runtime/turbo/library"
)

const lambdaImage = repository + "/config/lambda/Dockerfile"

// dockerfile is what an image is made of: its instructions with their arguments filled
// in.
func dockerfile(t *testing.T) (instructions [][]string, arguments map[string]string) {
	t.Helper()
	text, err := os.ReadFile(lambdaImage)
	if err != nil {
		t.Fatal(err)
	}
	arguments = map[string]string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(os.Expand(line, func(name string) string { return arguments[name] }))
		if len(words) < 2 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if name, value, is := strings.Cut(words[1], "="); is && words[0] == "ARG" {
			arguments[name] = value
		}
		instructions = append(instructions, words)
	}
	return instructions, arguments
}

// copied are the files an image takes, by where they lie before and in it.
func copied(t *testing.T) map[string]string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	files := map[string]string{}
	instructions, _ := dockerfile(t)
	for _, words := range instructions {
		if words[0] != "COPY" {
			continue
		}
		root := repository
		sources, to := words[1:len(words)-1], words[len(words)-1]
		if from, is := strings.CutPrefix(sources[0], "--from="); is {
			if from != "libraries" {
				t.Errorf("COPY from %s, of which nobody is told", from)
			}
			root, sources = filepath.Join(cache, "saccade"), sources[1:]
		}
		for _, source := range sources {
			if !strings.HasSuffix(source, "/") {
				files[filepath.Join(root, source)] = path.Join(to, path.Base(source))
				continue
			}
			entries, err := os.ReadDir(filepath.Join(root, source)) // a folder's content is copied
			if err != nil {
				t.Error(err)
			}
			for _, entry := range entries {
				files[filepath.Join(root, source, entry.Name())] = path.Join(to, entry.Name())
			}
		}
	}
	return files
}

func TestTheImageIsMadeOfWhatIsThere(t *testing.T) {
	if _, err := os.Stat(repository + "/bin/saccade-runtime"); err != nil {
		t.Skip("needs ./task build")
	}
	_, arguments := dockerfile(t)
	if arguments["ONNXRUNTIME"] != library.Version || arguments["TURBOJPEG"] != turbo.Version {
		t.Errorf("versions %v; what is fetched is %s and %s", arguments, library.Version, turbo.Version)
	}
	inside := map[string]bool{}
	for file, to := range copied(t) {
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("%s is not there to be copied to %s: %v", file, to, err)
		}
		inside[to] = true
	}
	for _, needed := range []string{
		lambdaFolder + "/saccade-runtime", lambdaFolder + "/function.yaml", lambdaFolder + "/centernet-mbv3.onnx",
		lambdaFolder + "/" + library.FileName(), lambdaFolder + "/" + turbo.FileName(),
	} {
		if !inside[needed] {
			t.Errorf("the image has no %s", needed)
		}
	}
	instructions, _ := dockerfile(t)
	for _, words := range instructions {
		switch words[0] {
		case "ENTRYPOINT":
			var program []string
			if err := json.Unmarshal([]byte(strings.Join(words[1:], " ")), &program); err != nil || len(program) != 1 || !inside[program[0]] {
				t.Errorf("it runs %v (%v), which is not in it", program, err)
			}
		case "ENV":
			if words[1] != "SACCADE_FUNCTION="+lambdaFolder {
				t.Errorf("ENV %s", words[1])
			}
		}
	}
}

// highest is the newest of each library's interfaces that Amazon Linux 2023 has
// (glibc 2.34, and the libstdc++ and libgcc of GCC 11).
var highest = map[string][]int{"GLIBC": {2, 34}, "GLIBCXX": {3, 4, 29}, "CXXABI": {1, 3, 13}, "GCC": {11, 0, 0}}

var versioned = regexp.MustCompile(`^([A-Z]+)_([0-9.]+)$`)

func TestWhatIsInTheImageRunsOnItsBase(t *testing.T) {
	if _, err := os.Stat(repository + "/bin/saccade-runtime"); err != nil {
		t.Skip("needs ./task build")
	}
	looked := 0
	for file := range copied(t) {
		binary, err := elf.Open(file)
		if err != nil {
			continue // no program
		}
		symbols, err := binary.ImportedSymbols()
		binary.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, symbol := range symbols {
			match := versioned.FindStringSubmatch(symbol.Version)
			if match == nil {
				continue
			}
			looked++
			if most, known := highest[match[1]]; !known || newer(match[2], most) {
				t.Errorf("%s needs %s of %s; the base has %v", filepath.Base(file), symbol.Version, symbol.Name, most)
			}
		}
	}
	if looked < 100 {
		t.Errorf("%d symbols with a version: the search is at fault", looked)
	}
	if !newer("2.35", highest["GLIBC"]) || newer("2.34", highest["GLIBC"]) || newer("2.2.5", highest["GLIBC"]) || !newer("2.34.1", highest["GLIBC"]) {
		t.Error("versions are compared wrongly")
	}
}

func newer(version string, than []int) bool {
	for i, part := range strings.Split(version, ".") {
		n, _ := strconv.Atoi(part) // digits and dots alone
		if i >= len(than) || n != than[i] {
			return i >= len(than) || n > than[i]
		}
	}
	return false
}

func TestTheTemplateSetsWhatIsRead(t *testing.T) {
	text, err := os.ReadFile(repository + "/config/lambda/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters map[string]any
		Resources  struct {
			Function struct {
				Properties struct {
					Environment struct{ Variables map[string]map[string]string }
				}
			}
		}
	}
	var whole map[string]any
	if err := yaml.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	inJSON, err := json.Marshal(whole)
	if err == nil {
		err = json.Unmarshal(inJSON, &template)
	}
	if err != nil {
		t.Fatal(err)
	}
	variables := template.Resources.Function.Properties.Environment.Variables
	if len(variables) == 0 {
		t.Error("it sets nothing: the search is at fault")
	}
	before := lambdaEnvironment()
	for name, value := range variables {
		if _, is := template.Parameters[value["Ref"]]; !is {
			t.Errorf("%s refers to the parameter %q, which there is not", name, value["Ref"])
		}
		t.Setenv(name, "example.com")
	}
	if after := lambdaEnvironment(); len(after.allow) == len(before.allow) {
		t.Errorf("%v changes nothing", variables)
	}
}
