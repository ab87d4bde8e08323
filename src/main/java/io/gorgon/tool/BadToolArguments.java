package io.gorgon.tool;

/** Python called a tool with arguments that do not fit; raised there under the same name. */
public final class BadToolArguments extends IllegalArgumentException {

  public BadToolArguments(String problem) {
    super(problem);
  }
}
