// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/tidy/rules.h"

namespace trident::tidy {
namespace {

constexpr size_t kColumnsMax = 100;
constexpr size_t kFileLinesMax = 600;
constexpr std::string_view kLicence = "SPDX-License-Identifier: Apache-2.0";

bool EndsWith(std::string_view s, std::string_view end) {
  return s.size() >= end.size() && s.substr(s.size() - end.size()) == end;
}

bool HasShebang(const SourceFile& file) {
  return !file.lines().empty() && file.lines()[0].substr(0, 2) == "#!";
}

// Code in any language, scripts and build files included.
bool IsCode(const SourceFile& file) {
  return file.IsCpp() || EndsWith(file.path(), ".proto") || EndsWith(file.path(), ".cmake") ||
         file.Name() == "CMakeLists.txt" || file.Name() == "Makefile" || HasShebang(file);
}

// Characters, not bytes: continuation bytes of UTF-8 do not count.
size_t Columns(std::string_view line) {
  return std::count_if(line.begin(), line.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

std::string GuardOf(const std::string& path) {
  std::string guard = "TRIDENT_";
  for (char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    guard.push_back(std::isalnum(byte) ? static_cast<char>(std::toupper(byte)) : '_');
  }
  return guard + "_";
}

std::string At(const SourceFile& file, size_t index) {
  return file.path() + ":" + std::to_string(index + 1) + ": ";
}

// tests/state mirrors state, whose README speaks for both; tests/install/README.md speaks for the
// folders in it.
bool IsSpokenFor(const SourceTree& tree, const std::string& folder) {
  constexpr std::string_view kTests = "tests/";
  if (tree.Has(folder + "/README.md")) return true;
  if (folder.substr(0, kTests.size()) != kTests) return false;
  const std::string first = folder.substr(0, folder.find('/', kTests.size()));
  return tree.Has(folder.substr(kTests.size()) + "/README.md") || tree.Has(first + "/README.md");
}

// What stands between backticks.
std::set<std::string> CodeWords(const SourceFile& file) {
  std::set<std::string> words;
  for (const std::string& line : file.lines()) {
    size_t begin = line.find('`');
    while (begin != std::string::npos) {
      const size_t end = line.find('`', begin + 1);
      if (end == std::string::npos) break;
      words.insert(line.substr(begin + 1, end - begin - 1));
      begin = line.find('`', end + 1);
    }
  }
  return words;
}

// `hot_table.h` names that header, `_stage.h` each one that ends so.
bool NamesHeader(const std::string& word, const std::string& name) {
  return word == name || (word.substr(0, 1) == "_" && EndsWith(word, ".h") && EndsWith(name, word));
}

constexpr std::array kFoldersWithTables = {"base", "engine", "state", "coordinator", "trident"};

// The comment at the end of a line, with its slashes; "" if it has none.
std::string_view CommentOf(const SourceFile& file, size_t index) {
  const std::string_view line = file.lines()[index];
  const size_t code_end = file.code()[index].find_last_not_of(' ') + 1;
  const size_t begin = line.find("//", code_end);
  return begin == std::string_view::npos ? "" : line.substr(begin);
}

// True when a line of the comment, or a sentence in it, begins with `word`.
bool Begins(std::string_view comment, const std::string& word) {
  const size_t text = comment.find_first_not_of('/');
  return text != std::string_view::npos &&
         (comment.substr(text, word.size() + 2) == " " + word + " " ||
          comment.find(". " + word + " ") != std::string_view::npos);
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// "kMaximum" or "Options::limit" in a text; "" if there is none.
std::string CodeNameIn(std::string_view text) {
  for (size_t begin = 0; begin < text.size(); ++begin) {
    if (!IsWord(text[begin]) || (begin > 0 && IsWord(text[begin - 1]))) continue;
    size_t end = begin;
    while (end < text.size() && IsWord(text[end])) ++end;
    const std::string_view word = text.substr(begin, end - begin);
    const bool is_constant = word.size() > 2 && word[0] == 'k' &&
                             std::isupper(static_cast<unsigned char>(word[1])) != 0 &&
                             std::islower(static_cast<unsigned char>(word[2])) != 0;
    const bool is_scope = text.substr(end, 2) == "::" && end + 2 < text.size() &&
                          IsWord(text[end + 2]) && word != "std" && begin > 0;
    if (is_constant) return std::string(word);
    if (is_scope) return std::string(word) + "::";
  }
  return "";
}

// The string literals of a file that are part of no static_assert: line by line.
template <class Take>
void ForEachMessage(const SourceFile& file, Take take) {
  std::string statement;  // its code so far
  for (size_t i = 0; i < file.code().size(); ++i) {
    const std::string& code = file.code()[i];
    if (code.find_first_not_of(' ') != std::string::npos &&
        code[code.find_first_not_of(' ')] == '#') {
      continue;
    }
    for (size_t at = 0; at < code.size(); ++at) {
      const char c = code[at];
      if (c == ';' || c == '{' || c == '}') statement.clear();
      if (c != '"') {
        statement.push_back(c);
        continue;
      }
      const size_t end = std::min(code.find('"', at + 1), code.size());
      if (statement.find("static_assert") == std::string::npos) {
        take(i, std::string_view(file.lines()[i]).substr(at, end - at));
      }
      at = end;
    }
  }
}

bool IsOurs(const SourceFile& file) {
  return file.IsCpp() &&
         std::any_of(kFoldersWithTables.begin(), kFoldersWithTables.end(),
                     [&](const char* folder) { return IsUnder(file.path(), folder); });
}

// All string literals of a file. Those between which nothing stands are one, the others are parted
// by new lines.
std::string Messages(const SourceFile& file) {
  std::string all;
  bool is_parted = false;
  for (size_t i = 0; i < file.code().size(); ++i) {
    const std::string& code = file.code()[i];
    for (size_t at = 0; at < code.size(); ++at) {
      if (code[at] != '"') {
        is_parted = is_parted || code[at] != ' ';
        continue;
      }
      const size_t end = std::min(code.find('"', at + 1), code.size());
      if (std::exchange(is_parted, false)) all += '\n';
      all += file.lines()[i].substr(at + 1, end - at - 1);
      at = end;
    }
  }
  return all + "\n";
}

// The cells of a row of a table, from the second on; empty: it is none.
std::vector<std::string> CellsOf(const std::string& line) {
  std::vector<std::string> cells;
  if (line.empty() || line[0] != '|') return cells;
  for (size_t begin = 0; begin < line.size();) {
    const size_t end = std::min(line.find('|', begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return cells;
}

// The parts of what stands between backticks that a program says as they are.
std::vector<std::string> QuotedParts(const std::string& cell) {
  std::vector<std::string> parts;
  for (size_t begin = cell.find('`'); begin != std::string::npos; begin = cell.find('`', begin)) {
    const size_t end = std::min(cell.find('`', begin + 1), cell.size());
    std::string quote = cell.substr(begin + 1, end - begin - 1);
    begin = end + 1;
    for (const std::string_view hole : {" ... ", "...", "'a'", "'b'", " N", " M", " T "}) {
      for (size_t at = quote.find(hole); at != std::string::npos; at = quote.find(hole)) {
        quote.replace(at, hole.size(), "`");
      }
    }
    for (size_t from = 0; from < quote.size();) {
      const size_t to = std::min(quote.find('`', from), quote.size());
      if (to - from > 2) parts.push_back(quote.substr(from, to - from));
      from = to + 1;
    }
  }
  return parts;
}

constexpr std::array kForbiddenWords = {"TODO", "FIXME", "HACK", "/work/", "/root/", "/home/"};

}  // namespace

Findings CheckLicenceLine(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    if (!IsCode(file)) continue;
    const size_t index = HasShebang(file) ? 1 : 0;
    if (file.lines().size() <= index || file.lines()[index].find(kLicence) == std::string::npos) {
      found.push_back(At(file, index) + "expected the line " + std::string(kLicence));
    }
  }
  return found;
}

Findings CheckLengths(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    if (!IsCode(file)) continue;
    if (file.lines().size() > kFileLinesMax) {
      found.push_back(At(file, kFileLinesMax) + "a file has at most " +
                      std::to_string(kFileLinesMax) + " lines, this one " +
                      std::to_string(file.lines().size()) + "; split it by idea");
    }
    for (size_t i = 0; i < file.lines().size(); ++i) {
      const size_t columns = Columns(file.lines()[i]);
      if (columns > kColumnsMax) {
        found.push_back(At(file, i) + "a line has at most " + std::to_string(kColumnsMax) +
                        " columns, this one " + std::to_string(columns));
      }
    }
  }
  return found;
}

Findings CheckIncludeGuards(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    if (!file.IsHeader()) continue;
    const std::string guard = GuardOf(path);
    auto has = [&](const std::string& line) {
      return std::find(file.lines().begin(), file.lines().end(), line) != file.lines().end();
    };
    if (!has("#ifndef " + guard) || !has("#define " + guard) || !has("#endif  // " + guard)) {
      found.push_back(path + ":1: expected the include guard " + guard);
    }
  }
  return found;
}

Findings CheckReadmes(const SourceTree& tree) {
  std::set<std::string> with_source;
  for (const auto& [path, file] : tree.files()) {
    if (file.IsCpp() || EndsWith(path, ".proto")) with_source.insert(file.Folder());
  }
  Findings found;
  for (const std::string& folder : with_source) {
    if (IsSpokenFor(tree, folder)) continue;
    found.push_back(folder + ":1: expected a README.md that says what the folder is");
  }
  return found;
}

Findings CheckReadmesNameHeaders(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    const auto holds = [&path = path](const char* folder) { return IsUnder(path, folder); };
    if (!file.IsHeader() ||
        std::none_of(kFoldersWithTables.begin(), kFoldersWithTables.end(), holds)) {
      continue;
    }
    const std::string readme = file.Folder() + "/README.md";
    const auto it = tree.files().find(readme);
    if (it == tree.files().end()) continue;  // CheckReadmes says so
    const std::set<std::string> words = CodeWords(it->second);
    if (std::none_of(words.begin(), words.end(), [&file = file](const std::string& word) {
          return NamesHeader(word, file.Name());
        })) {
      found.push_back(path + ":1: expected `" + file.Name() + "` in the table of " + readme);
    }
  }
  return found;
}

Findings CheckForbiddenWords(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    // The checks themselves have to spell the words.
    if (path == "LICENSE" || IsUnder(path, "tests/tidy")) continue;
    for (size_t i = 0; i < file.lines().size(); ++i) {
      for (std::string_view word : kForbiddenWords) {
        if (file.lines()[i].find(word) != std::string::npos) {
          found.push_back(At(file, i) + "must not hold \"" + std::string(word) + "\"");
        }
      }
    }
  }
  return found;
}

Findings CheckInstalledComments(const SourceTree& tree) {
  Findings found;
  for (const std::string& path : InstalledHeaders(tree)) {
    const SourceFile& file = tree.files().at(path);
    for (size_t i = 0; i < file.lines().size(); ++i) {
      const std::string_view comment = CommentOf(file, i);
      for (const char* word : {"What", "Of"}) {
        if (!Begins(comment, word)) continue;
        found.push_back(At(file, i) + "no sentence begins with \"" + word +
                        "\"; say the subject, then what it does");
      }
    }
  }
  return found;
}

Findings CheckMessagesNameNoCode(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    if (!IsOurs(file)) continue;
    ForEachMessage(file, [&, &file = file](size_t index, std::string_view text) {
      const std::string name = CodeNameIn(text);
      if (name.empty()) return;
      found.push_back(At(file, index) + "a message says what a person can do, not \"" + name +
                      "\" of the code: name the option, or say it in words");
    });
  }
  return found;
}

Findings CheckOperationsQuoteMessages(const SourceTree& tree) {
  const auto page = tree.files().find("docs/operations.md");
  if (page == tree.files().end()) return {};
  std::string said;
  for (const auto& [path, file] : tree.files()) {
    if (IsOurs(file) || IsUnder(path, "examples")) said += Messages(file);
  }
  Findings found;
  size_t column = 0;  // of what is shown, in this table; 0: in none
  for (size_t i = 0; i < page->second.lines().size(); ++i) {
    const std::vector<std::string> cells = CellsOf(page->second.lines()[i]);
    if (cells.empty()) column = 0;
    const auto title = std::find(cells.begin(), cells.end(), " what is shown ");
    if (title != cells.end()) column = static_cast<size_t>(title - cells.begin());
    if (column == 0 || column >= cells.size()) continue;
    for (const std::string& part : QuotedParts(cells[column])) {
      if (said.find(part) != std::string::npos) continue;
      found.push_back(At(page->second, i) + "no program says \"" + part + "\"");
    }
  }
  return found;
}

}  // namespace trident::tidy
