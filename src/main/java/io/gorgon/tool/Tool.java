package io.gorgon.tool;

import java.util.concurrent.CompletionStage;

/**
 * This is a Java function that Python may call by name while a call runs. It is started on {@code
 * gorgon.tool-dispatcher}; several may run at once.
 */
@FunctionalInterface
public interface Tool {

  /**
   * Starts what Python asks for.
   *
   * @return completes with the value for Python, anything that a call's argument may be; what it
   *     fails with, or what this throws, is raised in Python as {@code gorgon.HostError} with the
   *     exception's type and message
   */
  CompletionStage<?> call(ToolCall call) throws Exception;
}
