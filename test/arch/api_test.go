package arch_test

import (
	"go/ast"
	"strings"
	"testing"
)

// TestPublicAPINamesNoInternalType: an importer of the module can write down every type that the
// exported declarations of a public package name. Only the two Event interfaces are sealed by one
// of internal/event.
func TestPublicAPINamesNoInternalType(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasPrefix(s.pkg, "internal/") || strings.HasPrefix(s.pkg, "cmd/") || strings.HasPrefix(s.pkg, "test/") {
			continue
		}
		internal := s.internalNames()
		for _, exported := range exportedTypes(s.file) {
			ast.Inspect(exported, func(n ast.Node) bool {
				if f, ok := n.(*ast.Field); ok && len(f.Names) > 0 && !anyExported(f.Names) && isStructField(exported, f) {
					return false
				}
				if x, ok := n.(*ast.SelectorExpr); ok {
					if name, ok := x.X.(*ast.Ident); ok && internal[name.Name] && x.Sel.Name != "Event" {
						t.Errorf("%v: %s.%s is internal, and in the exported API", s.set.Position(x.Pos()), name.Name, x.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// internalNames are the names of a file's internal imports.
func (s source) internalNames() map[string]bool {
	names := map[string]bool{}
	for _, path := range s.imports() {
		if strings.HasPrefix(path, "upppoe/internal/") {
			names[s.name(path)] = true
		}
	}
	return names
}

// exportedTypes are the types in a file's exported declarations: of functions, methods of exported
// types, type declarations, variables and constants.
func exportedTypes(f *ast.File) (types []ast.Node) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
				types = append(types, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if spec.Name.IsExported() {
						types = append(types, spec.Type)
					}
				case *ast.ValueSpec:
					if anyExported(spec.Names) && spec.Type != nil {
						types = append(types, spec.Type)
					}
				}
			}
		}
	}
	return types
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	of := d.Recv.List[0].Type
	if p, ok := of.(*ast.StarExpr); ok {
		of = p.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

func anyExported(names []*ast.Ident) bool {
	for _, n := range names {
		if n.IsExported() {
			return true
		}
	}
	return false
}

// isStructField reports whether a field is one of the struct itself, not a parameter.
func isStructField(of ast.Node, f *ast.Field) bool {
	s, ok := of.(*ast.StructType)
	if !ok {
		return false
	}
	for _, field := range s.Fields.List {
		if field == f {
			return true
		}
	}
	return false
}
