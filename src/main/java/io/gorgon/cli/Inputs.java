package io.gorgon.cli;

import io.gorgon.message.PythonFailure.InvalidSettings;
import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.List;

/** What a command reads, looked at before anything starts. */
final class Inputs {

  private Inputs() {}

  /**
   * Refuses what cannot be read.
   *
   * @throws InvalidSettings that names the first such file
   */
  static void check(List<File> files) {
    for (File file : files) {
      if (!file.exists()) {
        throw new InvalidSettings("FILE", "names " + file + ", which does not exist");
      }
      if (file.isDirectory()) {
        throw new InvalidSettings("FILE", "names " + file + ", which is a directory");
      }
      if (!Files.isReadable(file.toPath())) {
        throw new InvalidSettings("FILE", "names " + file + ", which may not be read by you");
      }
    }
  }

  /**
   * Standard input.
   *
   * @throws InvalidSettings if there is none
   */
  static InputStream standard() {
    Descriptor in = Descriptor.of(Descriptor.IN);
    if (in.wasClosed()) {
      throw new InvalidSettings("standard input", "is closed: name a file or use a pipe");
    }
    if (in.isTerminal()) {
      System.err.println("gorgon: reading from the terminal; Ctrl-D ends the input");
    }
    return System.in;
  }
}
