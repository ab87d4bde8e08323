package io.gorgon.message;

/**
 * This is something that Python iterates over while Java makes it: an argument whose elements are
 * sent when Python asks for them. See {@code io.gorgon.stream.JavaSource}.
 */
public interface Elements {}
