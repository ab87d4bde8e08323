package io.gorgon.message;

import org.jspecify.annotations.Nullable;

/**
 * This is one line of a Python traceback.
 *
 * @param file as Python names it
 * @param line from 1; 0 where Python did not know
 * @param function the function's name
 * @param text the source line, where it was at hand
 */
public record PythonFrame(String file, int line, String function, @Nullable String text) {

  /** The same place as a Java stack trace prints it: {@code python.function(file.py:12)}. */
  public StackTraceElement toStackTraceElement() {
    return new StackTraceElement("python", function, file, line);
  }
}
