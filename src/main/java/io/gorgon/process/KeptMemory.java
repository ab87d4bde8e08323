package io.gorgon.process;

import java.nio.file.Path;

/**
 * This is memory that a keeper has made and holds open: as long as it does, processes of the same
 * user can map it. It has no name in any file system and a size that nobody can change.
 *
 * @param keeper the keeper's process id
 * @param descriptor its number among that process's open files
 * @param size in bytes
 */
public record KeptMemory(long keeper, int descriptor, long size) {

  /** Where it can be opened. */
  public Path path() {
    return Path.of("/proc", Long.toString(keeper), "fd", Integer.toString(descriptor));
  }
}
