// SPDX-License-Identifier: Apache-2.0
#include "base/ports/tls_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace trident {
namespace {

StatusOr<std::string> ReadPem(const std::string& path, std::string_view what) {
  std::ifstream file(path);
  if (!file) {
    const char* reason = std::strerror(errno);
    return InvalidArgument("cannot read ", what, " from '", path, "': ", reason);
  }
  std::ostringstream content;
  content << file.rdbuf();
  std::string pem = content.str();
  if (pem.find("-----BEGIN ") == std::string::npos) {
    return InvalidArgument("expected ", what, " in PEM form in '", path,
                           "', found no '-----BEGIN' line in it");
  }
  return pem;
}

Status CheckPrivate(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};  // reading it will say why
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  // So a key is shared with a user that is not root: the file is root's, and its group has one
  // user.
  const bool is_root_s = info.st_uid == 0 && (info.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0;
  if (is_root_s) return {};
  return InvalidArgument("the private key '", path,
                         "' can be read by others than its owner; chmod 0600 it (0640 where root "
                         "owns it), and replace it if others had access");
}

}  // namespace

StatusOr<TlsContent> ReadTlsFiles(const TlsFiles& files) {
  TRIDENT_RETURN_IF_ERROR(CheckPrivate(files.key));
  TlsContent out;
  TRIDENT_ASSIGN_OR_RETURN(out.certificate, ReadPem(files.certificate, "the certificate"));
  TRIDENT_ASSIGN_OR_RETURN(out.key, ReadPem(files.key, "the private key"));
  TRIDENT_ASSIGN_OR_RETURN(out.peer_ca, ReadPem(files.peer_ca, "the CA of the peers"));
  return out;
}

}  // namespace trident
