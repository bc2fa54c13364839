// SPDX-License-Identifier: Apache-2.0
#include "tests/tidy/source_tree.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace trident::tidy {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// Replaces comments and the content of literals by spaces; keeps newlines, so lines stay aligned.
std::string BlankNonCode(std::string_view text) {
  std::string out(text);
  auto blank = [&](size_t from, size_t to) {
    for (size_t i = from; i < to && i < out.size(); ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  };
  size_t i = 0;
  while (i < text.size()) {
    const std::string_view rest = text.substr(i);
    if (rest.substr(0, 2) == "//") {
      const size_t end = std::min(text.find('\n', i), text.size());
      blank(i, end);
      i = end;
    } else if (rest.substr(0, 2) == "/*") {
      const size_t end = text.find("*/", i + 2);
      const size_t stop = end == std::string_view::npos ? text.size() : end + 2;
      blank(i, stop);
      i = stop;
    } else if (rest.substr(0, 2) == "R\"") {
      const size_t open = text.find('(', i);
      if (open == std::string_view::npos) break;
      const std::string close = ")" + std::string(text.substr(i + 2, open - i - 2)) + "\"";
      const size_t end = text.find(close, open);
      const size_t stop = end == std::string_view::npos ? text.size() : end + close.size();
      blank(i + 1, stop);
      i = stop;
    } else if (text[i] == '"' || (text[i] == '\'' && (i == 0 || !std::isalnum(text[i - 1])))) {
      size_t end = i + 1;
      while (end < text.size() && text[end] != text[i] && text[end] != '\n') {
        end += text[end] == '\\' ? 2 : 1;
      }
      blank(i + 1, end);
      i = end + 1;
    } else {
      ++i;
    }
  }
  return out;
}

// The target of an #include line, or "".
std::string IncludeTarget(std::string_view line) {
  size_t at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos || line[at] != '#') return "";
  at = line.find_first_not_of(" \t", at + 1);
  constexpr std::string_view kInclude = "include";
  if (at == std::string_view::npos || line.substr(at, kInclude.size()) != kInclude) return "";
  const size_t open = line.find_first_of("<\"", at);
  if (open == std::string_view::npos) return "";
  const size_t close = line.find(line[open] == '<' ? '>' : '"', open + 1);
  if (close == std::string_view::npos) return "";
  return std::string(line.substr(open + 1, close - open - 1));
}

bool EndsWith(std::string_view s, std::string_view end) {
  return s.size() >= end.size() && s.substr(s.size() - end.size()) == end;
}

bool IsReadable(const fs::path& path) {
  const std::string name = path.filename().string();
  for (const char* extension : {".h", ".cc", ".proto", ".cmake", ".md", ".txt", ".json", ".in"}) {
    if (EndsWith(name, extension)) return true;
  }
  // In a second work tree .git is a file.
  return name == "Makefile" || (path.extension().empty() && name != ".git");
}

bool IsSkipped(const fs::path& directory) {
  const std::string name = directory.filename().string();
  return name == ".git" || name == "build" || name.rfind("build-", 0) == 0 || name == "corpus" ||
         name == ".cache";
}

}  // namespace

SourceFile::SourceFile(std::string path, std::string_view text)
    : path_(std::move(path)), lines_(SplitLines(text)) {
  if (!IsCpp() && !EndsWith(path_, ".proto")) return;
  code_ = SplitLines(BlankNonCode(text));
  for (size_t i = 0; i < lines_.size(); ++i) {
    // A line that is a comment in the whole has no code left; an include keeps its '#'.
    if (code_[i].find('#') == std::string::npos) continue;
    std::string target = IncludeTarget(lines_[i]);
    if (!target.empty()) includes_.push_back({static_cast<int>(i) + 1, std::move(target)});
  }
}

bool SourceFile::IsHeader() const { return EndsWith(path_, ".h"); }
bool SourceFile::IsCpp() const { return IsHeader() || EndsWith(path_, ".cc"); }

std::string SourceFile::Folder() const {
  const size_t slash = path_.rfind('/');
  return slash == std::string::npos ? "" : path_.substr(0, slash);
}

std::string SourceFile::Name() const { return path_.substr(path_.rfind('/') + 1); }

void SourceTree::Add(std::string path, std::string_view text) {
  SourceFile file(path, text);
  files_.emplace(std::move(path), std::move(file));
}

std::set<std::string> SourceTree::Folders() const {
  std::set<std::string> folders;
  for (const auto& [path, file] : files_) {
    for (std::string folder = file.Folder(); !folder.empty();) {
      folders.insert(folder);
      const size_t slash = folder.rfind('/');
      folder = slash == std::string::npos ? "" : folder.substr(0, slash);
    }
  }
  return folders;
}

SourceTree ReadSourceTree(const std::string& root) {
  SourceTree tree;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
    if (it->is_directory()) {
      if (IsSkipped(it->path())) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file() || !IsReadable(it->path())) continue;
    std::ifstream file(it->path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    tree.Add(fs::relative(it->path(), root).generic_string(), text);
  }
  return tree;
}

bool IsUnder(std::string_view path, std::string_view folder) {
  return path.substr(0, folder.size()) == folder &&
         (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace trident::tidy
