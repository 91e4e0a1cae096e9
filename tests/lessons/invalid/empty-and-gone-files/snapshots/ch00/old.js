function old() {
  return 1;
}
