package io.gorgon.cli;

import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** What a command reads, looked at before anything starts. */
final class Inputs {

  private Inputs() {}

  /**
   * Refuses what cannot be read.
   *
   * @throws ParameterException that names the first such file
   */
  static void check(CommandLine command, List<File> files) {
    for (File file : files) {
      if (!file.exists()) {
        throw new ParameterException(command, "there is no file " + file);
      }
      if (file.isDirectory()) {
        throw new ParameterException(command, file + " is a directory, not a file");
      }
      if (!Files.isReadable(file.toPath())) {
        throw new ParameterException(command, "you may not read " + file);
      }
    }
  }

  /**
   * Standard input.
   *
   * @throws ParameterException if there is none
   */
  static InputStream standard(CommandLine command) {
    Descriptor in = Descriptor.of(Descriptor.IN);
    if (in.wasClosed()) {
      throw new ParameterException(command, "standard input is closed: name a file, or use a pipe");
    }
    if (in.isTerminal()) {
      System.err.println("gorgon: reading from the terminal; Ctrl-D ends the input");
    }
    return System.in;
  }
}
