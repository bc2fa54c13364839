// SPDX-License-Identifier: Apache-2.0
//
// The project's rules that a program can check. Each takes the tree and returns what breaks it, one
// sentence a place; the tests feed each rule a tree that breaks it and then the tree itself.
#ifndef TRIDENT_TESTS_TIDY_RULES_H_
#define TRIDENT_TESTS_TIDY_RULES_H_

#include <set>
#include <string>
#include <vector>

#include "tests/tidy/source_tree.h"

namespace trident::tidy {

// "path:line: what is wrong, and what is right".
using Findings = std::vector<std::string>;

// ---- include_rules.cc ----

// The headers that cmake/install.cmake installs: those of cmake/public_headers.txt, and what they
// include.
std::set<std::string> InstalledHeaders(const SourceTree& tree);
// A folder includes only what its line of the include map names.
Findings CheckIncludeMap(const SourceTree& tree);
// What the map allows is done somewhere: a line that nobody needs would hide a wrong include.
Findings CheckIncludeMapIsTight(const SourceTree& tree);
// No two folders include each other, also by way of others.
Findings CheckIncludeMapHasNoCircles();
// A quoted include names a file of the tree, a generated message, or a package's header.
Findings CheckIncludesResolve(const SourceTree& tree);
// RocksDB's headers appear in the .cc files of state/disk/ only; gRPC's in the .cc files that speak
// it and in service headers of coordinator/serve/; generated messages in no header but service and
// codec ones.
Findings CheckForeignHeaders(const SourceTree& tree);
// The headers of cmake/public_headers.txt are there. They are installed with what they include;
// none of that is the library's own inside, and it includes only the standard library's, Abseil's
// and xxHash's besides, so that a program outside the tree needs no other package.
Findings CheckInstalledHeaders(const SourceTree& tree);
// The commit protocol, with all it includes, has no I/O, clock or thread.
Findings CheckProtocolIsPure(const SourceTree& tree);
// Every header is included by a file other than its own .cc, and every .cc file is part of a build
// target.
Findings CheckNoDeadFiles(const SourceTree& tree);

// ---- text_rules.cc ----

// Source files start with the licence line.
Findings CheckLicenceLine(const SourceTree& tree);
// No line of code is longer than 100 characters, no file longer than 600 lines.
Findings CheckLengths(const SourceTree& tree);
// The guard of a header spells its path.
Findings CheckIncludeGuards(const SourceTree& tree);
// Each folder with source files says in a README.md what it is.
Findings CheckReadmes(const SourceTree& tree);
// The README.md of a folder names each of its headers between backticks, by the file's name or by
// an end that several share (`_stage.h`). Folders of tests are free.
Findings CheckReadmesNameHeaders(const SourceTree& tree);
// No reminders of unfinished work, no paths of somebody's machine.
Findings CheckForbiddenWords(const SourceTree& tree);
// In the headers that are installed no sentence of a comment begins with "What" or "Of": such a
// sentence names its subject last, or not at all.
Findings CheckInstalledComments(const SourceTree& tree);
// What the library says while a program runs is read by people who do not read the program: a
// string names no constant (kMaximum) and nothing in a scope (Options::limit), but of std. What
// compilers say (static_assert) is read by those who do.
Findings CheckMessagesNameNoCode(const SourceTree& tree);
// In the tables of docs/operations.md the cells under "what is shown" quote what the programs say:
// each part of a quote (between "...", 'a' and 'b', and letters that stand for a number) is in a
// string of the code.
Findings CheckOperationsQuoteMessages(const SourceTree& tree);

// ---- call_rules.cc ----

// Clocks, randomness, sleeping, locks and the console are reached through the files that own them.
Findings CheckBannedCalls(const SourceTree& tree);

}  // namespace trident::tidy

#endif  // TRIDENT_TESTS_TIDY_RULES_H_
