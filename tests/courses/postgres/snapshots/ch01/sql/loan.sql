create table loan (
  book int not null references book,
  reader text not null,
  primary key (book, reader)
);
create index loan_by_reader on loan (reader);
