create table book (
  id int primary key,
  title text not null,
  copies int not null check (copies >= 0)
);
